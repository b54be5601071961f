package org.spikellm.api;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * How the spike counts of a kv head at a position lie in a row of a key/value cache. Where the counts of an encoding have at most
 * 64 levels they are packed, for any number of channels: a count less the smallest one is a code of 4, 5 or 6 bits, whose low
 * four are a nibble and whose others lie apart. Else they are bytes or shorts, less the encoding's offset.
 *
 * <p>A packed row is bytes. First ⌈channels/2⌉ of nibbles: that of channel c is in byte ⌊c/2⌋, the low one where c is even. Then,
 * for 5 and 6 bits, a plane of ⌈channels/8⌉ bytes for bit 4 of the codes, and for 6 bits one more for bit 5: that of channel c is
 * bit c mod 8 of byte ⌊c/8⌋. What belongs to no channel may be anything.
 *
 * @param channels of a head
 * @param bits 4, 5 or 6 where counts are packed, else 8 or 16
 * @param low smallest count of the encoding
 */
public record CountRow(int channels, int bits, int low) {

  private static final int NIBBLE = 4;
  private static final int MOST_PACKED = 6;

  /** The row of a head of {@code channels} channels. */
  static CountRow of(KeyValueEncoding encoding, int channels) {
    int low = encoding.countLow();
    int levels = encoding.countHigh() - low; // but for the first
    int bits = Math.max(NIBBLE, Integer.SIZE - Integer.numberOfLeadingZeros(levels));
    return new CountRow(channels, bits <= MOST_PACKED ? bits : 8 * encoding.countType().bytes(), low);
  }

  /** Whether several counts share a byte. */
  public boolean isPacked() {
    return bits <= MOST_PACKED;
  }

  /** Of a tensor of such rows: U8, I8 or I16. */
  public DType type() {
    return isPacked() ? DType.U8 : bits == 8 ? DType.I8 : DType.I16;
  }

  /** Of a tensor of such rows: bytes where they are packed, else channels. */
  public int columns() {
    return isPacked() ? nibbleBytes() + (bits - NIBBLE) * planeBytes() : channels;
  }

  /** Bytes of a row. */
  public int bytes() {
    return columns() * type().bytes();
  }

  /** Bytes of a packed row's nibbles, which its planes follow. */
  public int nibbleBytes() {
    return (channels + 1) / 2;
  }

  /** Bytes of a plane of bits of a packed row. */
  public int planeBytes() {
    return (channels + 7) / 8;
  }

  /** The count of a channel, less the encoding's offset. */
  public int get(Tensor rows, int row, int channel) {
    if (!isPacked()) {
      return rows.getInt(row, channel);
    }
    int code = rows.getInt(row, channel / 2) >> channel % 2 * NIBBLE & 15;
    for (int bit = NIBBLE; bit < bits; bit++) {
      code |= (rows.getInt(row, planeByte(channel, bit)) >> channel % 8 & 1) << bit;
    }
    return code + low;
  }

  /** The counts of a row, less the encoding's offset, go to {@code counts} from {@code at} on. */
  public void read(Tensor rows, int row, int[] counts, int at) {
    for (int c = 0; c < channels; c++) {
      counts[at + c] = get(rows, row, c);
    }
  }

  /** Fills a row with the counts, less the encoding's offset, that {@code counts} has from {@code at} on. */
  public void write(Tensor rows, int row, int[] counts, int at) {
    if (!isPacked()) {
      rows.writeInts(row, 0, Arrays.copyOfRange(counts, at, at + channels), channels);
      return;
    }
    MemorySegment bytes = rows.segment().asSlice(row * rows.rowBytes(), rows.rowBytes());
    for (int c = 0; c < channels; c += 8) {
      writeEight(bytes, c, counts, at + c);
    }
  }

  /** The codes of the channels from {@code channel} on, eight of them or those that there are. */
  private void writeEight(MemorySegment bytes, int channel, int[] counts, int at) {
    int count = Math.min(8, channels - channel);
    long codes = 0; // a byte each
    for (int i = 0; i < count; i++) {
      codes |= (long) (counts[at + i] - low) << 8 * i;
    }
    int nibbles = (int) Long.compress(codes, 0x0f0f0f0f0f0f0f0fL);
    if (count == 8) {
      bytes.set(Tensor.INT, channel / 2, nibbles);
    } else {
      for (int i = 0; 2 * i < count; i++) {
        bytes.set(Tensor.BYTE, channel / 2 + i, (byte) (nibbles >> 8 * i));
      }
    }
    for (int bit = NIBBLE; bit < bits; bit++) {
      bytes.set(Tensor.BYTE, planeByte(channel, bit), (byte) Long.compress(codes >> bit, 0x0101010101010101L));
    }
  }

  private int planeByte(int channel, int bit) {
    return nibbleBytes() + (bit - NIBBLE) * planeBytes() + channel / 8;
  }
}
