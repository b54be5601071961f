package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/** Reads tiles of cached keys and values as floats, the same floats as {@link KeyValues#readKey} and {@code readValue}. */
final class CachedRows {

  private final KeyValues cache;
  private final int headDim;
  private final int[] keyZeros;
  private final float[] keyThetas;
  private final int[] salient;

  CachedRows(KeyValues cache) {
    this.cache = cache;
    headDim = cache.headDim();
    int channels = cache.spiking() ? cache.encoding().channels() : 0;
    keyZeros = new int[channels];
    keyThetas = new float[channels];
    salient = new int[channels];
    for (int c = 0; c < channels; c++) {
      KeyValueEncoding encoding = cache.encoding();
      SpikeRange range = encoding.keyRange(c);
      keyZeros[c] = range.zero() - encoding.offset();
      keyThetas[c] = range.theta();
      salient[c] = encoding.valueSalient()[c] ? 1 : 0;
    }
  }

  /** The keys of positions {@code from..to − 1}, [positions][width], zeros past headDim. */
  void keys(int head, int from, int to, float[] tile, int width) {
    int[] counts = new int[headDim];
    byte[] bytes = new byte[headDim];
    short[] shorts = new short[headDim];
    for (int s = from; s < to; s++) {
      int at = (s - from) * width;
      if (cache.spiking()) {
        counts(cache.keys(), cache.row(head, s), bytes, shorts, counts);
        int first = head * headDim;
        for (int c = 0; c < headDim; c++) {
          tile[at + c] = (counts[c] - keyZeros[first + c]) * keyThetas[first + c];
        }
      } else {
        floats(cache.keys(), cache.row(head, s), tile, at);
      }
      Arrays.fill(tile, at + headDim, at + width, 0);
    }
  }

  /** The values of positions {@code from..to − 1}, [positions][width], zeros past headDim. */
  void values(int head, int from, int to, float[] tile, int width) {
    int[] counts = new int[headDim];
    byte[] bytes = new byte[headDim];
    short[] shorts = new short[headDim];
    for (int s = from; s < to; s++) {
      int at = (s - from) * width;
      int row = cache.row(head, s);
      if (cache.spiking()) {
        counts(cache.values(), row, bytes, shorts, counts);
        decode(counts, head * headDim, row, tile, at);
      } else {
        floats(cache.values(), row, tile, at);
      }
      Arrays.fill(tile, at + headDim, at + width, 0);
    }
  }

  private void decode(int[] counts, int first, int row, float[] tile, int at) {
    int plainZero = cache.valueZeros().getInt(row, 0);
    int salientZero = cache.valueZeros().getInt(row, 1);
    float plainTheta = cache.valueThresholds().getFloat(row, 0);
    float salientTheta = cache.valueThresholds().getFloat(row, 1);
    for (int c = 0; c < headDim; c++) {
      boolean isSalient = salient[first + c] != 0;
      tile[at + c] = (counts[c] - (isSalient ? salientZero : plainZero)) * (isSalient ? salientTheta : plainTheta);
    }
  }

  private void floats(Tensor rows, int row, float[] tile, int at) {
    MemorySegment.copy(rows.segment(), Tensor.FLOAT, row * rows.rowBytes(), tile, at, headDim);
  }

  private void counts(Tensor rows, int row, byte[] bytes, short[] shorts, int[] counts) {
    if (rows.dtype() == DType.I8) {
      MemorySegment.copy(rows.segment(), Tensor.BYTE, row * rows.rowBytes(), bytes, 0, headDim);
      for (int c = 0; c < headDim; c++) {
        counts[c] = bytes[c];
      }
    } else {
      MemorySegment.copy(rows.segment(), Tensor.SHORT, row * rows.rowBytes(), shorts, 0, headDim);
      for (int c = 0; c < headDim; c++) {
        counts[c] = shorts[c];
      }
    }
  }
}
