package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.spikellm.api.CountRow;
import org.spikellm.api.Tensor;

/**
 * Reads rows of counts that are packed, as {@link CountRow} describes them: into bytes, as many channels at once as a vector has,
 * or eight at once.
 */
final class PackedCounts {

  private static final int BYTES = Lanes.BYTES;
  private static final VectorSpecies<Byte> HALVES =
      Lanes.bits() < 256 ? null : VectorSpecies.of(byte.class, VectorShape.forBitSize(Lanes.bits() / 2));
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final CountRow layout;
  private final Tensor rows;
  private final MemorySegment segment;
  private final int rowBytes;

  PackedCounts(CountRow layout, Tensor rows) {
    this.layout = layout;
    this.rows = rows;
    segment = rows.segment();
    rowBytes = layout.bytes();
  }

  /** Bytes between rows that have been read. */
  static int stride(int channels) {
    return Lanes.ceilDiv(channels, BYTES) * BYTES;
  }

  /** The counts of consecutive rows, [count][channels], without vectors. */
  void read(int row, int count, int[] counts) {
    int channels = layout.channels();
    for (int s = 0; s < count; s++) {
      int c = 0;
      for (; c + 8 <= channels; c += 8) {
        spread(eight((long) (row + s) * rowBytes, c), layout.low(), counts, s * channels + c);
      }
      for (; c < channels; c++) {
        counts[s * channels + c] = layout.get(rows, row + s, c);
      }
    }
  }

  private static void spread(long codes, int low, int[] counts, int at) {
    for (int i = 0; i < 8; i++) {
      counts[at + i] = (int) (codes >> 8 * i & 255) + low;
    }
  }

  /** The counts of consecutive rows, [count][{@link #stride}], anything past the channels; only where there are short vectors. */
  void read(int row, int count, byte[] counts) {
    int stride = stride(layout.channels());
    // What follows a row is the next one, but at the end of the cache: there rows are read without vectors.
    int whole = Math.clamp((segment.byteSize() - reach() + rowBytes) / rowBytes - row, 0, count);
    for (int c = 0; whole > 0 && c < layout.channels(); c += BYTES) {
      long nibbles = (long) row * rowBytes + c / 2;
      long planes = (long) row * rowBytes + layout.nibbleBytes() + c / 8;
      switch (layout.bits()) {
        case 4 -> four(nibbles, whole, counts, c, stride);
        case 5 -> five(nibbles, planes, whole, counts, c, stride);
        default -> six(nibbles, planes, whole, counts, c, stride);
      }
    }
    for (int s = whole; s < count; s++) {
      for (int c = 0; c < layout.channels(); c++) {
        counts[s * stride + c] = (byte) layout.get(rows, row + s, c);
      }
    }
  }

  /** The codes of eight channels, a byte each, of the row at a place. */
  private long eight(long at, int channel) {
    long codes = segment.get(Tensor.INT, at + channel / 2) & 0xffffffffL;
    codes = (codes | codes << 16) & 0x0000ffff0000ffffL;
    codes = (codes | codes << 8) & 0x00ff00ff00ff00ffL;
    codes = (codes | codes << 4) & 0x0f0f0f0f0f0f0f0fL;
    for (int bit = 4; bit < layout.bits(); bit++) {
      long plane = at + layout.nibbleBytes() + (bit - 4) * layout.planeBytes();
      // Byte i of the product keeps bit i; the sum has its highest bit set where that is.
      long bits = (segment.get(Tensor.BYTE, plane + channel / 8) & 255) * 0x0101010101010101L & 0x8040201008040201L;
      codes |= (bits + 0x7f7f7f7f7f7f7f7fL & 0x8080808080808080L) >>> 7 - bit;
    }
    return codes;
  }

  /** Bytes from the start of a row to the end of what vectors take: its last channels, and what follows. */
  private long reach() {
    int last = stride(layout.channels()) - BYTES;
    int planes = layout.bits() - 4;
    int lastPlane = layout.nibbleBytes() + (planes - 1) * layout.planeBytes();
    return Math.max((last + BYTES) / 2, planes == 0 ? 0 : lastPlane + last / 8 + Long.BYTES);
  }

  private void four(long nibbles, int count, byte[] counts, int to, int stride) {
    byte low = (byte) layout.low();
    for (int s = 0; s < count; s++) {
      nibbles(nibbles + (long) s * rowBytes).add(low).intoArray(counts, to + s * stride);
    }
  }

  private void five(long nibbles, long plane, int count, byte[] counts, int to, int stride) {
    byte low = (byte) layout.low();
    for (int s = 0; s < count; s++) {
      long at = (long) s * rowBytes;
      withBit(nibbles(nibbles + at), plane + at, 4).add(low).intoArray(counts, to + s * stride);
    }
  }

  private void six(long nibbles, long planes, int count, byte[] counts, int to, int stride) {
    byte low = (byte) layout.low();
    int next = layout.planeBytes();
    for (int s = 0; s < count; s++) {
      long at = (long) s * rowBytes;
      withBit(withBit(nibbles(nibbles + at), planes + at, 4), planes + next + at, 5).add(low).intoArray(counts, to + s * stride);
    }
  }

  /** Two nibbles of a byte become the low nibbles of two. */
  private ByteVector nibbles(long at) {
    ShortVector both = (ShortVector) ByteVector.fromMemorySegment(HALVES, segment, at, Lanes.ORDER)
        .convertShape(VectorOperators.ZERO_EXTEND_B2S, Lanes.SHORTS, 0);
    return both.lanewise(VectorOperators.LSHL, 4).or(both).and((short) 0x0f0f).reinterpretAsBytes();
  }

  private ByteVector withBit(ByteVector codes, long at, int bit) {
    return codes.lanewise(VectorOperators.ADD, (byte) (1 << bit), VectorMask.fromLong(Lanes.BYTE_LANES, segment.get(LONG, at)));
  }
}
