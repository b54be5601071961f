package org.spikellm.backend.simd;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * eˣ in float lanes, by our own polynomial, since that of the platform differs from system to system: x = k·ln 2 + r with
 * |r| <= ln 2 / 2, eʳ by its Taylor series to r⁷ (whose rest is below 2⁻²⁷ of the value), times 2ᵏ in two steps so that results
 * overflow to infinity and underflow through the subnormals as they should. The relative error of normal results is at most 2 ulp.
 */
final class VectorExp {

  static final float LOG2_E = 1.4426950408889634f;

  /** ln 2 in two parts; the first has 15 bits, so that k · high is exact. */
  static final float LN2_HIGH = 0.693145751953125f;

  static final float LN2_LOW = 1.42860682030941723e-6f;

  /** Adding and subtracting 1.5 · 2²³ rounds to an integer, half to even. */
  static final float ROUND = 0x1.8p23f;

  /** Beyond the range of float on both sides. */
  static final float LEAST = -105f;

  static final float MOST = 90f;

  private VectorExp() {}

  static FloatVector exp(FloatVector x) {
    // NaN stays NaN through min and max.
    FloatVector clamped = x.max(LEAST).min(MOST);
    FloatVector k = clamped.mul(LOG2_E).add(ROUND).sub(ROUND);
    FloatVector r = clamped.sub(k.mul(LN2_HIGH)).sub(k.mul(LN2_LOW));
    FloatVector p = r.mul(1 / 5040f).add(1 / 720f);
    p = p.mul(r).add(1 / 120f);
    p = p.mul(r).add(1 / 24f);
    p = p.mul(r).add(1 / 6f);
    p = p.mul(r).add(0.5f);
    p = p.mul(r).mul(r).add(r).add(1f);
    IntVector power = (IntVector) k.convert(VectorOperators.F2I, 0);
    IntVector half = power.lanewise(VectorOperators.ASHR, 1);
    return p.mul(powerOfTwo(half)).mul(powerOfTwo(power.sub(half)));
  }

  private static FloatVector powerOfTwo(IntVector exponent) {
    return exponent.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
  }
}
