package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.spikellm.api.Tensor;

/**
 * {@link DenseTile}, {@link DenseDots}, {@link HalfDots} and {@link HalfLanes} in plain Java, for the time until those are compiled: the same
 * operations in the same order, so that the results are the same bits.
 */
final class PlainFloats {

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;

  private PlainFloats() {}

  static float fma(float x, float y, float sum) {
    return DenseTile.FUSED ? Math.fma(x, y, sum) : x * y + sum;
  }

  /** As {@link DenseTile#multiply}. */
  static void multiply(float[] a, int aAt, float[] b, int bAt, int depth, float[] c, int rows, int columns, MemorySegment out,
      long outAt, long rowBytes, boolean add) {
    for (int r = 0; r < rows; r++) {
      Arrays.fill(c, r * BLOCK, (r + 1) * BLOCK, 0);
      for (int k = 0; k < depth; k++) {
        chain(a[aAt + k * DenseTile.ROWS + r], b, bAt + k * BLOCK, c, r * BLOCK, BLOCK);
      }
      for (int j = 0; j < columns; j++) {
        long at = outAt + r * rowBytes + 4L * j;
        out.set(Tensor.FLOAT, at, add ? c[r * BLOCK + j] + out.get(Tensor.FLOAT, at) : c[r * BLOCK + j]);
      }
    }
  }

  /** {@code sums += x · b}, {@code count} elements. */
  static void chain(float x, float[] b, int at, float[] sums, int target, int count) {
    for (int i = 0; i < count; i++) {
      sums[target + i] = fma(x, b[at + i], sums[target + i]);
    }
  }

  /** A dot product with a row of F32 numbers from byte {@code row} on, in four vectors of sums. */
  static float dot(MemorySegment b, long row, float[] a, int at, int length, float[] part) {
    Arrays.fill(part, 0, 4 * LANES, 0);
    int k = 0;
    for (; k <= length - 4 * LANES; k += 4 * LANES) {
      for (int i = 0; i < 4 * LANES; i++) {
        part[i] = fma(b.get(Tensor.FLOAT, row + 4L * (k + i)), a[at + k + i], part[i]);
      }
    }
    for (int i = 0; i < LANES; i++) {
      part[i] = part[i] + part[LANES + i] + (part[2 * LANES + i] + part[3 * LANES + i]);
    }
    float sum = Lanes.sum(part, 0, LANES);
    for (; k < length; k++) {
      sum += b.get(Tensor.FLOAT, row + 4L * k) * a[at + k];
    }
    return sum;
  }

  /** The vectors of sums of {@link HalfDots#ROWS} rows of F16 or BF16 numbers, before they are added up. */
  static void halves(MemorySegment b, boolean f16, long at, long stride, float[] a, int from, int whole, float[] sums) {
    Arrays.fill(sums, 0, HalfDots.ROWS * LANES, 0);
    for (int row = 0; row < HalfDots.ROWS; row++) {
      for (int k = 0; k < whole; k += 2 * LANES) {
        pairs(b, f16, at + row * stride + 2L * k, a, from + k, sums, row * LANES);
      }
    }
  }

  private static void pairs(MemorySegment b, boolean f16, long at, float[] a, int from, float[] sums, int target) {
    for (int i = 0; i < LANES; i++) {
      int bits = b.get(Tensor.INT, at + 4L * i);
      int even = bits << 16;
      float low = Float.intBitsToFloat(f16 ? even >> 3 & HalfDots.F16_BITS : even);
      float high = Float.intBitsToFloat(f16 ? bits >> 3 & HalfDots.F16_BITS : bits & HalfDots.BF16_BITS);
      sums[target + i] = fma(high, a[from + LANES + i], fma(low, a[from + i], sums[target + i]));
    }
  }

  /** {@code length} F16 or BF16 numbers from byte {@code at} on. */
  static void readHalves(MemorySegment segment, boolean f16, long at, int length, float[] target) {
    for (int k = 0; k < length; k++) {
      short bits = segment.get(Tensor.SHORT, at + 2L * k);
      target[k] = f16 ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
    }
  }
}
