package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.Tensor;

/**
 * Dot products with rows of half-precision numbers that are converted on the way, so that conversion and memory overlap. Two sums
 * and no more: with four C2 runs out of registers, and half the rate is lost.
 *
 * <p>An F16 number whose bits are moved to the places of a float's is too small by 2^112. The left factor makes up for 2^100 of it
 * beforehand, and the sum for the rest: all of them exact, for left factors below 2^28.
 */
final class HalfDots {

  private static final int LANES = Lanes.COUNT;
  private static final int F16_BITS = 0x8fffe000;
  private static final float LEFT = 0x1p100f;
  private static final float SUM = 0x1p12f;

  private HalfDots() {}

  /** Prepares left factors for {@link #f16}. */
  static void scale(float[] left, int length) {
    for (int k = 0; k < length; k++) {
      left[k] *= LEFT;
    }
  }

  /** The product of F16 numbers and of left factors that were {@link #scale scaled}. */
  static float f16(MemorySegment b, float[] a, int at, int length, float[] part) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = FloatVector.zero(Lanes.FLOATS);
    int k = 0;
    for (; k <= length - 2 * LANES; k += 2 * LANES) {
      s0 = DenseTile.fma(smallF16(b, 2L * k), FloatVector.fromArray(Lanes.FLOATS, a, at + k), s0);
      s1 = DenseTile.fma(smallF16(b, 2L * (k + LANES)), FloatVector.fromArray(Lanes.FLOATS, a, at + k + LANES), s1);
    }
    float sum = total(s0, s1, part) * SUM;
    for (; k < length; k++) {
      sum += Float.float16ToFloat(b.get(Tensor.SHORT, 2L * k)) * (a[at + k] / LEFT);
    }
    return sum;
  }

  /** The product of BF16 numbers and floats. */
  static float bf16(MemorySegment b, float[] a, int at, int length, float[] part) {
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = FloatVector.zero(Lanes.FLOATS);
    int k = 0;
    for (; k <= length - 2 * LANES; k += 2 * LANES) {
      s0 = DenseTile.fma(HalfLanes.bf16(b, 2L * k), FloatVector.fromArray(Lanes.FLOATS, a, at + k), s0);
      s1 = DenseTile.fma(HalfLanes.bf16(b, 2L * (k + LANES)), FloatVector.fromArray(Lanes.FLOATS, a, at + k + LANES), s1);
    }
    float sum = total(s0, s1, part);
    for (; k < length; k++) {
      sum += Float.intBitsToFloat(b.get(Tensor.SHORT, 2L * k) << 16) * a[at + k];
    }
    return sum;
  }

  private static FloatVector smallF16(MemorySegment b, long at) {
    return HalfLanes.load(b, at).lanewise(VectorOperators.LSHL, 13).and(F16_BITS).reinterpretAsFloats();
  }

  private static float total(FloatVector s0, FloatVector s1, float[] part) {
    s0.add(s1).intoArray(part, 0);
    return Lanes.sum(part, 0, LANES);
  }
}
