package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.spikellm.api.CountRow;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/** Reads tiles of cached keys and values as floats, the same floats as {@link KeyValues#readKey} and {@code readValue}. */
final class CachedRows {

  private static final int LANES = Lanes.COUNT;

  /** As many bytes as a vector has ints; null where there is no vector as short. */
  private static final VectorSpecies<Byte> QUARTERS =
      Lanes.bits() < 256 ? null : VectorSpecies.of(byte.class, VectorShape.forBitSize(Lanes.bits() / 4));

  private final KeyValues cache;
  private final int headDim;
  /** How counts lie in the cache; null where it holds floats. */
  private final CountRow counts;
  /** Bytes between rows that have been read as bytes. */
  private final int stride;
  private final int[] keyZeros;
  private final float[] keyThetas;
  private final int[] salient;
  private final boolean plain;

  /**
   * Rows that are decoded with vectors, or without.
   *
   * @param channels of the cache's encoding, or null where there is none
   */
  CachedRows(KeyValues cache, Channels channels, boolean plain) {
    this.cache = cache;
    this.plain = plain;
    headDim = cache.headDim();
    counts = cache.counts();
    stride = counts != null && counts.isPacked() ? PackedCounts.stride(headDim) : headDim;
    keyZeros = channels == null ? null : channels.keyZeros();
    keyThetas = channels == null ? null : channels.keyThetas();
    salient = channels == null ? null : channels.salient();
  }

  /**
   * An encoding's channels.
   *
   * @param keyZeros zero points less the offset
   * @param keyThetas θ
   * @param salient all bits where the value is salient, else none
   */
  record Channels(int[] keyZeros, float[] keyThetas, int[] salient) {

    static Channels of(KeyValueEncoding encoding) {
      int count = encoding.channels();
      Channels channels = new Channels(new int[count], new float[count], new int[count]);
      for (int c = 0; c < count; c++) {
        SpikeRange range = encoding.keyRange(c);
        channels.keyZeros[c] = range.zero() - encoding.offset();
        channels.keyThetas[c] = range.theta();
        channels.salient[c] = encoding.valueSalient()[c] ? -1 : 0;
      }
      return channels;
    }
  }

  /** The keys of positions {@code from..to − 1}, [positions][width], zeros past headDim. */
  void keys(int head, int from, int to, float[] tile, int width, Scratch scratch) {
    if (!cache.spiking()) {
      floats(cache.keys(), cache.row(head, from), to - from, tile, width);
      return;
    }
    if (isBytes()) {
      byteKeys(bytes(cache.keys(), cache.row(head, from), to - from, scratch), to - from, head * headDim, tile, width);
      return;
    }
    int[] integers = counts(cache.keys(), cache.row(head, from), to - from, scratch);
    for (int s = 0; s < to - from; s++) {
      decodeKeys(integers, s * headDim, head * headDim, tile, s * width);
      Arrays.fill(tile, s * width + headDim, (s + 1) * width, 0);
    }
  }

  /** The values of positions {@code from..to − 1}, [positions][width], zeros past headDim. */
  void values(int head, int from, int to, float[] tile, int width, Scratch scratch) {
    if (!cache.spiking()) {
      floats(cache.values(), cache.row(head, from), to - from, tile, width);
      return;
    }
    int first = cache.row(head, from);
    if (isBytes()) {
      byteValues(bytes(cache.values(), first, to - from, scratch), first, to - from, head * headDim, tile, width);
      return;
    }
    int[] integers = counts(cache.values(), first, to - from, scratch);
    for (int s = 0; s < to - from; s++) {
      decodeValues(integers, s * headDim, head * headDim, first + s, tile, s * width);
      Arrays.fill(tile, s * width + headDim, (s + 1) * width, 0);
    }
  }

  /** Whether counts become bytes first, of which there are whole vectors a head. */
  private boolean isBytes() {
    return !plain && QUARTERS != null && cache.keys().dtype() != DType.I16 && headDim % LANES == 0;
  }

  /** The counts of consecutive rows, less the offset, [count][{@link #stride}]. */
  private byte[] bytes(Tensor rows, int row, int count, Scratch scratch) {
    byte[] bytes = scratch.bytes(count * stride);
    if (counts.isPacked()) {
      new PackedCounts(counts, rows).read(row, count, bytes);
    } else {
      MemorySegment.copy(rows.segment(), Tensor.BYTE, row * rows.rowBytes(), bytes, 0, count * stride);
    }
    return bytes;
  }

  private void byteKeys(byte[] bytes, int count, int first, float[] tile, int width) {
    for (int c = 0; c < headDim; c += LANES) {
      IntVector zeros = IntVector.fromArray(Lanes.INTS, keyZeros, first + c);
      FloatVector thetas = FloatVector.fromArray(Lanes.FLOATS, keyThetas, first + c);
      for (int s = 0; s < count; s++) {
        toFloat(integers(bytes, s * stride + c).sub(zeros)).mul(thetas).intoArray(tile, s * width + c);
      }
    }
  }

  private void byteValues(byte[] bytes, int row, int count, int first, float[] tile, int width) {
    MemorySegment allZeros = cache.valueZeros().segment();
    MemorySegment allThetas = cache.valueThresholds().segment();
    for (int s = 0; s < count; s++) {
      int zero = allZeros.get(Tensor.INT, 8L * (row + s));
      int zeros = zero ^ allZeros.get(Tensor.INT, 8L * (row + s) + 4);
      int theta = allThetas.get(Tensor.INT, 8L * (row + s));
      int thetas = theta ^ allThetas.get(Tensor.INT, 8L * (row + s) + 4);
      for (int c = 0; c < headDim; c += LANES) {
        IntVector select = IntVector.fromArray(Lanes.INTS, salient, first + c);
        IntVector distance = integers(bytes, s * stride + c).sub(select.and(zeros).lanewise(VectorOperators.XOR, zero));
        FloatVector factor = select.and(thetas).lanewise(VectorOperators.XOR, theta).reinterpretAsFloats();
        toFloat(distance).mul(factor).intoArray(tile, s * width + c);
      }
    }
  }

  private static IntVector integers(byte[] bytes, int at) {
    return (IntVector) ByteVector.fromArray(QUARTERS, bytes, at).convertShape(VectorOperators.B2I, Lanes.INTS, 0);
  }

  private static FloatVector toFloat(IntVector integers) {
    return (FloatVector) integers.convert(VectorOperators.I2F, 0);
  }

  private void decodeKeys(int[] counts, int at, int first, float[] tile, int target) {
    int c = 0;
    for (; !plain && c <= headDim - LANES; c += LANES) {
      IntVector.fromArray(Lanes.INTS, counts, at + c).sub(IntVector.fromArray(Lanes.INTS, keyZeros, first + c))
          .convert(VectorOperators.I2F, 0).reinterpretAsFloats()
          .mul(FloatVector.fromArray(Lanes.FLOATS, keyThetas, first + c)).intoArray(tile, target + c);
    }
    for (; c < headDim; c++) {
      tile[target + c] = (counts[at + c] - keyZeros[first + c]) * keyThetas[first + c];
    }
  }

  /** Salient channels have all bits of {@link #salient} set, plain ones none: a select without a branch. */
  private void decodeValues(int[] counts, int at, int first, int row, float[] tile, int target) {
    int zero = cache.valueZeros().getInt(row, 0);
    int zeros = zero ^ cache.valueZeros().getInt(row, 1);
    int theta = Float.floatToRawIntBits(cache.valueThresholds().getFloat(row, 0));
    int thetas = theta ^ Float.floatToRawIntBits(cache.valueThresholds().getFloat(row, 1));
    int c = 0;
    for (; !plain && c <= headDim - LANES; c += LANES) {
      IntVector select = IntVector.fromArray(Lanes.INTS, salient, first + c);
      IntVector distance = IntVector.fromArray(Lanes.INTS, counts, at + c).sub(select.and(zeros).lanewise(VectorOperators.XOR, zero));
      FloatVector factor = select.and(thetas).lanewise(VectorOperators.XOR, theta).reinterpretAsFloats();
      distance.convert(VectorOperators.I2F, 0).reinterpretAsFloats().mul(factor).intoArray(tile, target + c);
    }
    for (; c < headDim; c++) {
      int select = salient[first + c];
      tile[target + c] = (counts[at + c] - (zero ^ select & zeros)) * Float.intBitsToFloat(theta ^ select & thetas);
    }
  }

  private void floats(Tensor rows, int row, int count, float[] tile, int width) {
    for (int s = 0; s < count; s++) {
      MemorySegment.copy(rows.segment(), Tensor.FLOAT, (row + s) * rows.rowBytes(), tile, s * width, headDim);
      Arrays.fill(tile, s * width + headDim, (s + 1) * width, 0);
    }
  }

  /** The counts of consecutive rows, less the offset, [count][headDim]. */
  private int[] counts(Tensor rows, int row, int count, Scratch scratch) {
    int[] integers = scratch.dots(count * headDim);
    if (rows.dtype() == DType.I16) {
      short[] shorts = scratch.shorts(count * headDim);
      MemorySegment.copy(rows.segment(), Tensor.SHORT, row * rows.rowBytes(), shorts, 0, count * headDim);
      widen(shorts, integers, count * headDim);
      return integers;
    }
    if (counts.isPacked()) {
      new PackedCounts(counts, rows).read(row, count, integers);
    } else {
      widen(bytes(rows, row, count, scratch), integers, count * headDim);
    }
    return integers;
  }

  private static void widen(byte[] bytes, int[] integers, int length) {
    for (int i = 0; i < length; i++) {
      integers[i] = bytes[i];
    }
  }

  private static void widen(short[] shorts, int[] counts, int length) {
    for (int i = 0; i < length; i++) {
      counts[i] = shorts[i];
    }
  }
}
