package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.spikellm.api.Tensor;

/**
 * {@link RowKernels}, {@link VectorExp} and the products of {@link TiledAttention} in plain Java, for the time until those are compiled: the same
 * operations in the same order, so that the results are the same bits.
 */
final class PlainRows {

  private static final int LANES = Lanes.COUNT;

  private PlainRows() {}

  /** As {@link RowKernels#rmsNorm}. */
  static void rmsNorm(MemorySegment x, MemorySegment weight, MemorySegment out, int columns, float epsilon) {
    float inverse = (float) (1 / Math.sqrt(squares(x, columns) / columns + epsilon));
    for (int c = 0; c < columns; c++) {
      out.set(Tensor.FLOAT, 4L * c, x.get(Tensor.FLOAT, 4L * c) * inverse * weight.get(Tensor.FLOAT, 4L * c));
    }
  }

  private static double squares(MemorySegment x, int columns) {
    int half = LANES / 2;
    double[] low = new double[half];
    double[] high = new double[half];
    int c = 0;
    for (; c <= columns - LANES; c += LANES) {
      for (int i = 0; i < half; i++) {
        double first = x.get(Tensor.FLOAT, 4L * (c + i));
        double second = x.get(Tensor.FLOAT, 4L * (c + half + i));
        low[i] += first * first;
        high[i] += second * second;
      }
    }
    double sum = 0;
    for (int i = 0; i < half; i++) {
      sum += low[i] + high[i];
    }
    for (; c < columns; c++) {
      double value = x.get(Tensor.FLOAT, 4L * c);
      sum += value * value;
    }
    return sum;
  }

  /** As {@link RowKernels#rope}. */
  static void rope(MemorySegment row, int columns, int half, float[] angles) {
    for (int start = 0; start < columns; start += 2 * half) {
      RowKernels.rotate(row, start, 0, half, angles);
    }
  }

  /** As {@link RowKernels#swiGlu}. */
  static void swiGlu(MemorySegment gate, MemorySegment up, MemorySegment out, int from, int to) {
    for (int c = from; c < to; c++) {
      float g = gate.get(Tensor.FLOAT, 4L * c);
      out.set(Tensor.FLOAT, 4L * c, g / (exp(-g) + 1f) * up.get(Tensor.FLOAT, 4L * c));
    }
  }

  /** As {@link RowKernels#softmax}. */
  static float softmax(float[] row, int at, int length, float[] partial) {
    int end = at + Lanes.padded(length);
    Arrays.fill(row, at + length, end, Float.NEGATIVE_INFINITY);
    float max = Float.NEGATIVE_INFINITY;
    for (int i = at; i < end; i++) {
      max = Math.max(max, row[i]);
    }
    Arrays.fill(partial, 0, LANES, 0);
    for (int i = at; i < end; i += LANES) {
      for (int lane = 0; lane < LANES; lane++) {
        row[i + lane] = exp(row[i + lane] - max);
        partial[lane] += row[i + lane];
      }
    }
    return 1 / Lanes.sum(partial, 0, LANES);
  }

  private static float exp(float x) {
    float clamped = Math.min(Math.max(x, VectorExp.LEAST), VectorExp.MOST);
    float k = clamped * VectorExp.LOG2_E + VectorExp.ROUND - VectorExp.ROUND;
    float r = clamped - k * VectorExp.LN2_HIGH - k * VectorExp.LN2_LOW;
    float p = r * (1 / 5040f) + 1 / 720f;
    p = p * r + 1 / 120f;
    p = p * r + 1 / 24f;
    p = p * r + 1 / 6f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1f;
    int power = (int) k;
    int half = power >> 1;
    return p * Float.intBitsToFloat(half + 127 << 23) * Float.intBitsToFloat(power - half + 127 << 23);
  }

  /** As {@link TiledAttention#scores}; {@code parts} holds two vectors. */
  static void scores(float[] query, int at, int width, float[] tile, int count, float[] scores, int target, float[] parts) {
    for (int s = 0; s < count; s++) {
      scores[target + s] = score(query, at, width, tile, s * width, parts);
    }
  }

  private static float score(float[] query, int at, int width, float[] tile, int from, float[] parts) {
    int quads = Math.max(1, LANES / 4);
    Arrays.fill(parts, LANES, LANES + quads, 0);
    int step;
    for (int c = 0; c < width; c += step) {
      step = c <= width - 4 * LANES ? 4 * LANES : LANES;
      for (int i = 0; i < LANES; i++) {
        parts[i] = query[at + c + i] * tile[from + c + i];
        for (int k = c + LANES + i; k < c + step; k += LANES) {
          parts[i] = fma(query[at + k], tile[from + k], parts[i]);
        }
      }
      for (int q = 0; q < quads; q++) {
        float sum = parts[4 * q] + parts[4 * q + 1] + (parts[4 * q + 2] + parts[4 * q + 3]);
        parts[LANES + q] = c == 0 ? sum : parts[LANES + q] + sum;
      }
    }
    for (int distance = 1; distance < quads; distance *= 2) {
      for (int q = 0; q < quads; q += 2 * distance) {
        parts[LANES + q] += parts[LANES + q + distance];
      }
    }
    return parts[LANES];
  }

  private static float fma(float x, float y, float sum) {
    return PlainFloats.fma(x, y, sum);
  }

  /** As {@link TiledAttention#weigh}. */
  static void weigh(float[] weights, int at, int count, float[] tile, int width, float[] sums, int target) {
    for (int s = 0; s < count; s++) {
      PlainFloats.chain(weights[at + s], tile, s * width, sums, target, width);
    }
  }
}
