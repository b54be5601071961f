package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static org.spikellm.backend.simd.CodeDots.LINE;
import static org.spikellm.backend.simd.CodeDots.pair;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * The kernels of {@link CodeDots} for {@link #VECTORS} vectors of rows, two or all of which are in a loop: they share what is read of
 * activations, and the CPU fetches ahead in as many streams. Masks come out of memory, as C2 would make a constant anew in every iteration.
 * What a loop ends with is written out in each: vectors that go to a method which C2 does not inline become objects, and in methods of so
 * many nodes it inlines none but those of the Vector API.
 */
final class CodeStreams {

  /** Vectors of rows at once. */
  static final int VECTORS = 8;

  private static final int LANES = Lanes.COUNT;

  /**
   * Whether 16-bit lanes are better shifted each by a number of its own, one operation with AVX-512 and many without: C2 makes two operations
   * of a shift by the same number on Intel's CPUs.
   */
  private static final boolean SHIFTS_EACH = Lanes.BYTES == 64;

  private static final int[] CODES_2 = filled(0x0003_0003);
  private static final int[] CODES_3 = filled(0x0004_0004);
  private static final int[] CODES_4 = filled(0x000f_000f);
  private static final int[] CODES_8 = filled(0x00ff_00ff);
  private static final int[] BALANCED_2 = filled(0x0303_0303);
  private static final int[] BALANCED_4 = filled(0x0f0f_0f0f);
  private static final int[] EIGHT = filled(0x0008_0008);

  private CodeStreams() {}

  private static int[] filled(int value) {
    int[] lanes = new int[LANES];
    Arrays.fill(lanes, value);
    return lanes;
  }

  private static IntVector load(MemorySegment codes, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
  }

  private static IntVector load(int[] mask) {
    return IntVector.fromArray(Lanes.INTS, mask, 0);
  }

  /** The products of one column of each half of the lanes. */
  private static ShortVector product(IntVector codes, IntVector mask, ShortVector pair) {
    return codes.and(mask).reinterpretAsShorts().mul(pair);
  }

  static void span4(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    for (int s = 0; s < VECTORS; s += 2) {
      long f0 = first[s];
      long f1 = first[s + 1];
      IntVector mask = load(CODES_4);
      ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
      ShortVector s1 = s0;
      for (int i = 0; i < lines; i += one) {
        IntVector x0 = load(codes, f0 + (long) i * LINE);
        IntVector x1 = load(codes, f1 + (long) i * LINE);
        ShortVector p = pair(pairs, at + 4 * i);
        ShortVector q = pair(pairs, at + 4 * i + 1);
        s0 = s0.add(product(x0, mask, p)).add(product(x0.lanewise(LSHR, 8), mask, q));
        s1 = s1.add(product(x1, mask, p)).add(product(x1.lanewise(LSHR, 8), mask, q));
        p = pair(pairs, at + 4 * i + 2);
        q = pair(pairs, at + 4 * i + 3);
        s0 = s0.add(product(x0.lanewise(LSHR, 4), mask, p)).add(product(x0.lanewise(LSHR, 12), mask, q));
        s1 = s1.add(product(x1.lanewise(LSHR, 4), mask, p)).add(product(x1.lanewise(LSHR, 12), mask, q));
      }
      s0.reinterpretAsInts().intoArray(sums, s * LANES);
      s1.reinterpretAsInts().intoArray(sums, (s + 1) * LANES);
    }
  }

  /** Two units in their lowest bits: bits 0 and 1 in one vector, bits 2 in the other. */
  private static ShortVector products3(IntVector low, IntVector high, IntVector bits, IntVector top, ShortVector p, ShortVector q) {
    return low.and(bits).or(high.lanewise(LSHL, 2).and(top)).reinterpretAsShorts().mul(p)
        .add(low.lanewise(LSHR, 8).and(bits).or(high.lanewise(LSHR, 6).and(top)).reinterpretAsShorts().mul(q));
  }

  static void span3(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    for (int s = 0; s < VECTORS; s += 2) {
      long f0 = first[s];
      long f1 = first[s + 1];
      IntVector bits = load(CODES_2);
      IntVector top = load(CODES_3);
      ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
      ShortVector s1 = s0;
      for (int i = 0; i < 2 * lines; i += one) {
        // Four units: their bits 0 and 1 in a vector of the line, bits 2 in a half of the bytes of its third.
        long line = (long) (i >> 1) * 3 * LINE;
        IntVector low0 = load(codes, f0 + line + (i & 1) * LINE);
        IntVector low1 = load(codes, f1 + line + (i & 1) * LINE);
        IntVector high0 = load(codes, f0 + line + 2 * LINE).lanewise(LSHR, 4 * (i & 1));
        IntVector high1 = load(codes, f1 + line + 2 * LINE).lanewise(LSHR, 4 * (i & 1));
        for (int k = at + 8 * i; k < at + 8 * i + 8; k += 2) {
          ShortVector p = pair(pairs, k);
          ShortVector q = pair(pairs, k + 1);
          s0 = s0.add(products3(low0, high0, bits, top, p, q));
          s1 = s1.add(products3(low1, high1, bits, top, p, q));
          low0 = low0.lanewise(LSHR, 2);
          low1 = low1.lanewise(LSHR, 2);
          high0 = high0.lanewise(LSHR, 1);
          high1 = high1.lanewise(LSHR, 1);
        }
      }
      s0.reinterpretAsInts().intoArray(sums, s * LANES);
      s1.reinterpretAsInts().intoArray(sums, (s + 1) * LANES);
    }
  }

  static void span2(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    for (int s = 0; s < VECTORS; s += 2) {
      long f0 = first[s];
      long f1 = first[s + 1];
      IntVector mask = load(CODES_2);
      ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
      ShortVector s1 = s0;
      for (int i = 0; i < lines; i += one) {
        IntVector x0 = load(codes, f0 + (long) i * LINE);
        IntVector x1 = load(codes, f1 + (long) i * LINE);
        for (int k = at + 8 * i; k < at + 8 * i + 8; k += 2) {
          ShortVector p = pair(pairs, k);
          ShortVector q = pair(pairs, k + 1);
          s0 = s0.add(product(x0, mask, p)).add(product(x0.lanewise(LSHR, 8), mask, q));
          s1 = s1.add(product(x1, mask, p)).add(product(x1.lanewise(LSHR, 8), mask, q));
          x0 = x0.lanewise(LSHR, 2);
          x1 = x1.lanewise(LSHR, 2);
        }
      }
      s0.reinterpretAsInts().intoArray(sums, s * LANES);
      s1.reinterpretAsInts().intoArray(sums, (s + 1) * LANES);
    }
  }

  /**
   * The products of 8-bit codes with activations up to 257: each fills 16 bits, so it is widened at once, to whole sums. With x a pair
   * of products as an unsigned int, Σ low + Σ high = Σ x − (Σ (x >>> 16) << 16) + Σ (x >>> 16), all modulo 2³².
   */
  static void span8(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    for (int s = 0; s < VECTORS; s += 2) {
      long f0 = first[s];
      long f1 = first[s + 1];
      IntVector mask = load(CODES_8);
      IntVector all0 = IntVector.zero(Lanes.INTS);
      IntVector all1 = all0;
      IntVector high0 = all0;
      IntVector high1 = all0;
      for (int i = 0; i < lines; i += one) {
        IntVector x0 = load(codes, f0 + (long) i * LINE);
        IntVector x1 = load(codes, f1 + (long) i * LINE);
        ShortVector p = pair(pairs, at + 2 * i);
        ShortVector q = pair(pairs, at + 2 * i + 1);
        IntVector p0 = product(x0, mask, p).reinterpretAsInts();
        IntVector q0 = product(x0.lanewise(LSHR, 8), mask, q).reinterpretAsInts();
        IntVector p1 = product(x1, mask, p).reinterpretAsInts();
        IntVector q1 = product(x1.lanewise(LSHR, 8), mask, q).reinterpretAsInts();
        all0 = all0.add(p0.add(q0));
        all1 = all1.add(p1.add(q1));
        high0 = high0.add(p0.lanewise(LSHR, 16).add(q0.lanewise(LSHR, 16)));
        high1 = high1.add(p1.lanewise(LSHR, 16).add(q1.lanewise(LSHR, 16)));
      }
      all0.sub(high0.mul(0xffff)).intoArray(sums, s * LANES);
      all1.sub(high1.mul(0xffff)).intoArray(sums, (s + 1) * LANES);
    }
  }

  /**
   * Products of {@link Balanced} activations: the high bytes of lanes are the sums of two columns. Most models have such codes, so that all
   * vectors are in one loop; one after the other, as AVX2 has no registers for more.
   */
  static void balanced4(MemorySegment codes, long[] first, int lines, int[] factors, int at, int[] sums, int one) {
    long f0 = first[0];
    long f1 = first[1];
    long f2 = first[2];
    long f3 = first[3];
    long f4 = first[4];
    long f5 = first[5];
    long f6 = first[6];
    long f7 = first[7];
    IntVector mask = load(BALANCED_4);
    ShortVector eight = load(EIGHT).reinterpretAsShorts();
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = s0;
    ShortVector s2 = s0;
    ShortVector s3 = s0;
    ShortVector s4 = s0;
    ShortVector s5 = s0;
    ShortVector s6 = s0;
    ShortVector s7 = s0;
    for (int i = 0; i < lines; i += one) {
      long line = (long) i * LINE;
      ShortVector a = pair(factors, at + 4 * i);
      ShortVector b = pair(factors, at + 4 * i + 1);
      ShortVector c = pair(factors, at + 4 * i + 2);
      ShortVector d = pair(factors, at + 4 * i + 3);
      IntVector x = IntVector.fromMemorySegment(Lanes.INTS, codes, f0 + line, Lanes.ORDER);
      ShortVector p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      ShortVector q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s0 = s0.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f1 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s1 = s1.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f2 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s2 = s2.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f3 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s3 = s3.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f4 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s4 = s4.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f5 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s5 = s5.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f6 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s6 = s6.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
      x = IntVector.fromMemorySegment(Lanes.INTS, codes, f7 + line, Lanes.ORDER);
      p = x.and(mask).reinterpretAsShorts().mul(b).add(a);
      q = x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts().mul(d).add(c);
      s7 = s7.add(SHIFTS_EACH ? p.lanewise(LSHR, eight) : p.lanewise(LSHR, 8))
          .add(SHIFTS_EACH ? q.lanewise(LSHR, eight) : q.lanewise(LSHR, 8));
    }
    s0.reinterpretAsInts().intoArray(sums, 0);
    s1.reinterpretAsInts().intoArray(sums, LANES);
    s2.reinterpretAsInts().intoArray(sums, 2 * LANES);
    s3.reinterpretAsInts().intoArray(sums, 3 * LANES);
    s4.reinterpretAsInts().intoArray(sums, 4 * LANES);
    s5.reinterpretAsInts().intoArray(sums, 5 * LANES);
    s6.reinterpretAsInts().intoArray(sums, 6 * LANES);
    s7.reinterpretAsInts().intoArray(sums, 7 * LANES);
  }

  /** As {@link #balanced4}: of four columns, two units, whose sums fit a byte together. */
  static void balanced2(MemorySegment codes, long[] first, int lines, int[] factors, int at, int[] sums, int one) {
    for (int s = 0; s < VECTORS; s += 2) {
      long f0 = first[s];
      long f1 = first[s + 1];
      IntVector mask = load(BALANCED_2);
      ShortVector eight = load(EIGHT).reinterpretAsShorts();
      ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
      ShortVector s1 = s0;
      for (int i = 0; i < lines; i += one) {
        IntVector x0 = load(codes, f0 + (long) i * LINE);
        IntVector x1 = load(codes, f1 + (long) i * LINE);
        for (int k = at + 8 * i; k < at + 8 * i + 8; k += 4) {
          ShortVector bias = pair(factors, k).add(pair(factors, k + 2));
          ShortVector p = pair(factors, k + 1);
          ShortVector q = pair(factors, k + 3);
          ShortVector p0 = product(x0, mask, p).add(product(x0.lanewise(LSHR, 2), mask, q)).add(bias);
          s0 = s0.add(SHIFTS_EACH ? p0.lanewise(LSHR, eight) : p0.lanewise(LSHR, 8));
          ShortVector p1 = product(x1, mask, p).add(product(x1.lanewise(LSHR, 2), mask, q)).add(bias);
          s1 = s1.add(SHIFTS_EACH ? p1.lanewise(LSHR, eight) : p1.lanewise(LSHR, 8));
          x0 = x0.lanewise(LSHR, 4);
          x1 = x1.lanewise(LSHR, 4);
        }
      }
      s0.reinterpretAsInts().intoArray(sums, s * LANES);
      s1.reinterpretAsInts().intoArray(sums, (s + 1) * LANES);
    }
  }
}
