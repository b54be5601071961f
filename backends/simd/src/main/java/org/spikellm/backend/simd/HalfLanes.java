package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import org.spikellm.api.Tensor;

/** Floats from finite half-precision numbers in memory. Written out: C2 makes vectors of the scalar loop in some callers only. */
final class HalfLanes {

  private static final VectorSpecies<Short> HALVES =
      VectorSpecies.of(short.class, VectorShape.forBitSize(Lanes.FLOATS.vectorBitSize() / 2));

  /** Brings the exponent of F16, read as that of a float, to its place: 2^(127 − 15). Subnormals come out right too. */
  private static final float EXPONENT = 0x1p112f;

  private HalfLanes() {}

  /** {@code length} F16 numbers from byte {@code at} on. */
  static void readF16(MemorySegment segment, long at, int length, float[] target) {
    int k = 0;
    for (; k <= length - Lanes.COUNT; k += Lanes.COUNT) {
      IntVector bits = load(segment, at + 2L * k);
      IntVector sign = bits.and(0x80000000);
      FloatVector magnitude = bits.lanewise(VectorOperators.LSHL, 13).and(0x0fffe000).reinterpretAsFloats().mul(EXPONENT);
      magnitude.reinterpretAsInts().or(sign).reinterpretAsFloats().intoArray(target, k);
    }
    for (; k < length; k++) {
      target[k] = Float.float16ToFloat(segment.get(Tensor.SHORT, at + 2L * k));
    }
  }

  /** {@code length} BF16 numbers from byte {@code at} on. */
  static void readBf16(MemorySegment segment, long at, int length, float[] target) {
    int k = 0;
    for (; k <= length - Lanes.COUNT; k += Lanes.COUNT) {
      bf16(segment, at + 2L * k).intoArray(target, k);
    }
    for (; k < length; k++) {
      target[k] = Float.intBitsToFloat(segment.get(Tensor.SHORT, at + 2L * k) << 16);
    }
  }

  /** {@link Lanes#COUNT} BF16 numbers at byte {@code at}. */
  static FloatVector bf16(MemorySegment segment, long at) {
    return load(segment, at).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** The bits of {@link Lanes#COUNT} half-precision numbers, their sign extended. */
  static IntVector load(MemorySegment segment, long at) {
    return (IntVector) ShortVector.fromMemorySegment(HALVES, segment, at, Lanes.ORDER)
        .convertShape(VectorOperators.S2I, Lanes.INTS, 0);
  }
}
