package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.spikellm.api.CountRow;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/**
 * Cached keys and values as attention.comp reads them: the first positions of every head, each row from a whole word on, packed
 * counts as bytes.
 */
final class CachedRows {

  /** A head may have so many. */
  static final int MOST_CHANNELS = 512;

  private final KeyValues cache;
  private final int length;

  CachedRows(KeyValues cache, int length) {
    this.cache = cache;
    this.length = length;
  }

  /** 0, 1, 2 for F32, I8, I16. */
  static int type(DType type) {
    return switch (type) {
      case I8 -> 1;
      case I16 -> 2;
      default -> 0;
    };
  }

  int type() {
    return type(wordType());
  }

  /** Of keys and values on the device. */
  private DType wordType() {
    return cache.spiking() ? cache.encoding().countType() : DType.F32;
  }

  /** Words of a row of keys or values. */
  static int rowWords(DType type, int headDim) {
    return (headDim * type.bytes() + 3) / 4;
  }

  int rowWords() {
    return rowWords(wordType(), cache.headDim());
  }

  private static long wordBytes(Tensor rows) {
    return (rows.rowBytes() + 3) & -4L;
  }

  /** The rows of positions 0..{@code length − 1} of every head; nothing where the cache has no such tensor. */
  DeviceMemory.Range upload(Tensor rows, Call call) {
    if (rows == null) {
      return call.take(1);
    }
    long bytes = wordBytes(rows);
    DeviceMemory.Range range = call.take(bytes * length * cache.kvHeads());
    call.commands().upload(cache.kvHeads() * length, bytes, range, (i, place) -> {
      int row = cache.row(i / length, i % length);
      MemorySegment.copy(rows.segment(), row * rows.rowBytes(), place, 0, rows.rowBytes());
    }, false);
    return range;
  }

  /** Keys or values, as {@link #upload} does it. */
  DeviceMemory.Range uploadChannels(Tensor rows, Call call) {
    CountRow counts = cache.counts();
    if (counts == null || !counts.isPacked()) {
      return upload(rows, call);
    }
    long bytes = 4L * rowWords();
    DeviceMemory.Range range = call.take(bytes * length * cache.kvHeads());
    int[] row = new int[cache.headDim()];
    call.commands().upload(cache.kvHeads() * length, bytes, range, (i, place) -> {
      counts.read(rows, cache.row(i / length, i % length), row, 0);
      for (int c = 0; c < row.length; c++) {
        place.set(Tensor.BYTE, c, (byte) row[c]);
      }
    }, false);
    return range;
  }

  /**
   * I32 [4, kvHeads · headDim]: θ of the key channel, its zero point less the offset, 1 where the value channel is salient, 1
   * where the key channel is; anything where nothing is encoded.
   */
  static MemorySegment ranges(KeyValueEncoding encoding, Arena arena) {
    if (encoding == null) {
      return arena.allocate(4, 4);
    }
    int channels = encoding.channels();
    int[] table = new int[4 * channels];
    for (int c = 0; c < channels; c++) {
      SpikeRange range = encoding.keyRange(c);
      table[c] = Float.floatToRawIntBits(range.theta());
      table[channels + c] = range.zero() - encoding.offset();
      table[2 * channels + c] = encoding.valueSalient()[c] ? 1 : 0;
      table[3 * channels + c] = encoding.keySalient()[c] ? 1 : 0;
    }
    return arena.allocateFrom(ValueLayout.JAVA_INT, table);
  }
}
