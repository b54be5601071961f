package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.Tensor;

/** The kernels that work on one row of floats. What is left of a row after whole vectors is done under a mask. */
final class RowKernels {

  private static final int LANES = Lanes.COUNT;

  private RowKernels() {}

  /** {@code out = x · inverse · weight}, inverse = 1 / sqrt(mean x² + epsilon), the mean summed in double. */
  static void rmsNorm(MemorySegment x, MemorySegment weight, MemorySegment out, int columns, float epsilon) {
    float inverse = (float) (1 / Math.sqrt(squares(x, columns) / columns + epsilon));
    int c = 0;
    for (; c <= columns - LANES; c += LANES) {
      load(x, c).mul(inverse).mul(load(weight, c)).intoMemorySegment(out, 4L * c, Lanes.ORDER);
    }
    for (; c < columns; c++) {
      out.set(Tensor.FLOAT, 4L * c, x.get(Tensor.FLOAT, 4L * c) * inverse * weight.get(Tensor.FLOAT, 4L * c));
    }
  }

  private static double squares(MemorySegment x, int columns) {
    DoubleVector s0 = DoubleVector.zero(DoubleVector.SPECIES_PREFERRED);
    DoubleVector s1 = s0;
    int c = 0;
    for (; c <= columns - LANES; c += LANES) {
      FloatVector value = load(x, c);
      DoubleVector low = (DoubleVector) value.convert(VectorOperators.F2D, 0);
      DoubleVector high = (DoubleVector) value.convert(VectorOperators.F2D, 1);
      s0 = s0.add(low.mul(low));
      s1 = s1.add(high.mul(high));
    }
    double sum = 0;
    double[] parts = s0.add(s1).toDoubleArray();
    for (double part : parts) {
      sum += part;
    }
    for (; c < columns; c++) {
      double value = x.get(Tensor.FLOAT, 4L * c);
      sum += value * value;
    }
    return sum;
  }

  /** Rotates the pairs (i, i + half) of every head of a row; {@code angles} holds half cosines, then half sines. */
  static void rope(MemorySegment row, int columns, int half, float[] angles) {
    for (int start = 0; start < columns; start += 2 * half) {
      int i = 0;
      for (; i <= half - LANES; i += LANES) {
        FloatVector cos = FloatVector.fromArray(Lanes.FLOATS, angles, i);
        FloatVector sin = FloatVector.fromArray(Lanes.FLOATS, angles, half + i);
        FloatVector a = load(row, start + i);
        FloatVector b = load(row, start + half + i);
        a.mul(cos).sub(b.mul(sin)).intoMemorySegment(row, 4L * (start + i), Lanes.ORDER);
        b.mul(cos).add(a.mul(sin)).intoMemorySegment(row, 4L * (start + half + i), Lanes.ORDER);
      }
      rotate(row, start, i, half, angles);
    }
  }

  /** Rotates the pairs {@code i..half − 1} of the head that starts at {@code start}. */
  static void rotate(MemorySegment row, int start, int i, int half, float[] angles) {
    for (; i < half; i++) {
      float a = row.get(Tensor.FLOAT, 4L * (start + i));
      float b = row.get(Tensor.FLOAT, 4L * (start + half + i));
      row.set(Tensor.FLOAT, 4L * (start + i), a * angles[i] - b * angles[half + i]);
      row.set(Tensor.FLOAT, 4L * (start + half + i), b * angles[i] + a * angles[half + i]);
    }
  }

  /** {@code out = gate / (1 + exp(−gate)) · up} for elements {@code from..to − 1}. */
  static void swiGlu(MemorySegment gate, MemorySegment up, MemorySegment out, int from, int to) {
    int c = from;
    for (; c <= to - LANES; c += LANES) {
      swiGlu(load(gate, c), load(up, c)).intoMemorySegment(out, 4L * c, Lanes.ORDER);
    }
    if (c < to) {
      VectorMask<Float> mask = Lanes.FLOATS.indexInRange(c, to);
      swiGlu(load(gate, c, mask), load(up, c, mask)).intoMemorySegment(out, 4L * c, Lanes.ORDER, mask);
    }
  }

  private static FloatVector swiGlu(FloatVector gate, FloatVector up) {
    return gate.div(VectorExp.exp(gate.neg()).add(1f)).mul(up);
  }

  /**
   * Softmax of {@code row[0..length − 1]} in place, except for the factor. What follows, up to whole vectors, is overwritten with 0.
   *
   * @param partial holds a vector
   * @return 1 / Σ exp(row − max), the factor that is still to be applied
   */
  static float softmax(float[] row, int at, int length, float[] partial) {
    int end = at + Lanes.padded(length);
    for (int i = at + length; i < end; i++) {
      row[i] = Float.NEGATIVE_INFINITY;
    }
    FloatVector most = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = at; i < end; i += LANES) {
      most = most.max(FloatVector.fromArray(Lanes.FLOATS, row, i));
    }
    float max = most.reduceLanes(VectorOperators.MAX);
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    for (int i = at; i < end; i += LANES) {
      FloatVector exp = VectorExp.exp(FloatVector.fromArray(Lanes.FLOATS, row, i).sub(max));
      exp.intoArray(row, i);
      sums = sums.add(exp);
    }
    // The rows' ends: exp(−inf) is clamped to exp(−105), which is 0 in float.
    sums.intoArray(partial, 0);
    return 1 / Lanes.sum(partial, 0, LANES);
  }

  /** Multiplies by {@code factor}. */
  static void scale(float[] row, int at, int length, float factor) {
    for (int i = at; i < at + length; i++) {
      row[i] *= factor;
    }
  }

  private static FloatVector load(MemorySegment x, int c) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, x, 4L * c, Lanes.ORDER);
  }

  private static FloatVector load(MemorySegment x, int c, VectorMask<Float> mask) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, x, 4L * c, Lanes.ORDER, mask);
  }
}
