package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.Tensor;

/**
 * Dot products with rows of half-precision numbers that are converted on the way, so that conversion and memory overlap. Two
 * numbers lie in a 32-bit lane and are taken apart by shifts and masks; the left factor is put in the same order beforehand. Four
 * rows at a time, one sum each: one row alone waits for its sum, and for memory, which delivers more to several streams; with
 * more sums C2, which unrolls the loop, runs out of registers.
 *
 * <p>An F16 number whose bits are moved to the places of a float's is too small by 2^112. The left factor makes up for 2^100 of it
 * beforehand, and the sum for the rest: all of them exact, for left factors below 2^28.
 */
final class HalfDots {

  private static final int LANES = Lanes.COUNT;
  /** Rows that are multiplied at a time. */
  static final int ROWS = 4;

  private static final int PAIR = 2 * LANES;
  static final int F16_BITS = 0x8fffe000;
  static final int BF16_BITS = 0xffff0000;
  private static final float LEFT = 0x1p100f;
  private static final float SUM = 0x1p12f;

  private HalfDots() {}

  /** Multiplies left factors for {@link #f16}. */
  static void scale(float[] left, int length) {
    for (int k = 0; k < length; k++) {
      left[k] *= LEFT;
    }
  }

  /** Puts {@code length} left factors in order: of every whole {@code 2 · LANES} those of even index, then those of odd index. */
  static void order(float[] left, int at, int length, float[] scratch) {
    for (int k = at; k <= at + length - PAIR; k += PAIR) {
      for (int i = 0; i < LANES; i++) {
        scratch[i] = left[k + 2 * i];
        scratch[LANES + i] = left[k + 2 * i + 1];
      }
      System.arraycopy(scratch, 0, left, k, PAIR);
    }
  }

  /**
   * The products of {@link #ROWS} F16 rows, the first at byte {@code at}, with left factors that were {@link #scale scaled} and
   * {@link #order ordered}.
   *
   * @param stride bytes from row to row
   * @param sums holds four vectors; the products become its first elements
   */
  static void f16(MemorySegment b, long at, long stride, float[] a, int from, int length, float[] sums) {
    IntVector mask = IntVector.broadcast(Lanes.INTS, F16_BITS);
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s3 = FloatVector.zero(Lanes.FLOATS);
    int whole = length / PAIR * PAIR;
    for (int k = 0; k < whole; k += PAIR) {
      FloatVector even = FloatVector.fromArray(Lanes.FLOATS, a, from + k);
      FloatVector odd = FloatVector.fromArray(Lanes.FLOATS, a, from + k + LANES);
      IntVector bits = load(b, 2L * k + at);
      s0 = DenseTile.fma(smallF16(bits.lanewise(VectorOperators.LSHL, 16), mask), even, s0);
      s0 = DenseTile.fma(smallF16(bits, mask), odd, s0);
      bits = load(b, 2L * k + (at + stride));
      s1 = DenseTile.fma(smallF16(bits.lanewise(VectorOperators.LSHL, 16), mask), even, s1);
      s1 = DenseTile.fma(smallF16(bits, mask), odd, s1);
      bits = load(b, 2L * k + (at + 2 * stride));
      s2 = DenseTile.fma(smallF16(bits.lanewise(VectorOperators.LSHL, 16), mask), even, s2);
      s2 = DenseTile.fma(smallF16(bits, mask), odd, s2);
      bits = load(b, 2L * k + (at + 3 * stride));
      s3 = DenseTile.fma(smallF16(bits.lanewise(VectorOperators.LSHL, 16), mask), even, s3);
      s3 = DenseTile.fma(smallF16(bits, mask), odd, s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, LANES);
    s2.intoArray(sums, 2 * LANES);
    s3.intoArray(sums, 3 * LANES);
    finishF16(b, at, stride, a, from, whole, length, sums);
  }

  /** As {@link #f16}, without vectors. */
  static void plainF16(MemorySegment b, long at, long stride, float[] a, int from, int length, float[] sums) {
    int whole = length / PAIR * PAIR;
    PlainFloats.halves(b, true, at, stride, a, from, whole, sums);
    finishF16(b, at, stride, a, from, whole, length, sums);
  }

  private static void finishF16(MemorySegment b, long at, long stride, float[] a, int from, int whole, int length, float[] sums) {
    totals(sums);
    for (int row = 0; row < ROWS; row++) {
      sums[row] *= SUM;
      for (int k = whole; k < length; k++) {
        sums[row] += Float.float16ToFloat(b.get(Tensor.SHORT, at + row * stride + 2L * k)) * (a[from + k] / LEFT);
      }
    }
  }

  /** The products of BF16 rows with left factors that were {@link #order ordered}, otherwise as {@link #f16}. */
  static void bf16(MemorySegment b, long at, long stride, float[] a, int from, int length, float[] sums) {
    IntVector mask = IntVector.broadcast(Lanes.INTS, BF16_BITS);
    FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s1 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s2 = FloatVector.zero(Lanes.FLOATS);
    FloatVector s3 = FloatVector.zero(Lanes.FLOATS);
    int whole = length / PAIR * PAIR;
    for (int k = 0; k < whole; k += PAIR) {
      FloatVector even = FloatVector.fromArray(Lanes.FLOATS, a, from + k);
      FloatVector odd = FloatVector.fromArray(Lanes.FLOATS, a, from + k + LANES);
      IntVector bits = load(b, 2L * k + at);
      s0 = DenseTile.fma(bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), even, s0);
      s0 = DenseTile.fma(bits.and(mask).reinterpretAsFloats(), odd, s0);
      bits = load(b, 2L * k + (at + stride));
      s1 = DenseTile.fma(bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), even, s1);
      s1 = DenseTile.fma(bits.and(mask).reinterpretAsFloats(), odd, s1);
      bits = load(b, 2L * k + (at + 2 * stride));
      s2 = DenseTile.fma(bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), even, s2);
      s2 = DenseTile.fma(bits.and(mask).reinterpretAsFloats(), odd, s2);
      bits = load(b, 2L * k + (at + 3 * stride));
      s3 = DenseTile.fma(bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), even, s3);
      s3 = DenseTile.fma(bits.and(mask).reinterpretAsFloats(), odd, s3);
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, LANES);
    s2.intoArray(sums, 2 * LANES);
    s3.intoArray(sums, 3 * LANES);
    finishBf16(b, at, stride, a, from, whole, length, sums);
  }

  /** As {@link #bf16}, without vectors. */
  static void plainBf16(MemorySegment b, long at, long stride, float[] a, int from, int length, float[] sums) {
    int whole = length / PAIR * PAIR;
    PlainFloats.halves(b, false, at, stride, a, from, whole, sums);
    finishBf16(b, at, stride, a, from, whole, length, sums);
  }

  private static void finishBf16(MemorySegment b, long at, long stride, float[] a, int from, int whole, int length, float[] sums) {
    totals(sums);
    for (int row = 0; row < ROWS; row++) {
      for (int k = whole; k < length; k++) {
        sums[row] += Float.intBitsToFloat(b.get(Tensor.SHORT, at + row * stride + 2L * k) << 16) * a[from + k];
      }
    }
  }

  /** The sums of four vectors, side by side, as the first four elements. */
  private static void totals(float[] sums) {
    float t0 = 0;
    float t1 = 0;
    float t2 = 0;
    float t3 = 0;
    for (int i = 0; i < LANES; i++) {
      t0 += sums[i];
      t1 += sums[LANES + i];
      t2 += sums[2 * LANES + i];
      t3 += sums[3 * LANES + i];
    }
    sums[0] = t0;
    sums[1] = t1;
    sums[2] = t2;
    sums[3] = t3;
  }

  private static IntVector load(MemorySegment b, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, b, at, Lanes.ORDER);
  }

  /** From F16 bits in the upper halves: the sign stays, exponent and fraction move down to where a float has its lower ones. */
  private static FloatVector smallF16(IntVector upper, IntVector mask) {
    return upper.lanewise(VectorOperators.ASHR, 3).and(mask).reinterpretAsFloats();
  }
}
