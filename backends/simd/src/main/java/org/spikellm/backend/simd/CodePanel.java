package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Integer products for several tokens: a span of a block's codes is unpacked once into a panel of shorts, which stays in the
 * first cache, and multiplied with tiles of four tokens. Panel: [pairs of columns][BLOCK rows][2].
 */
final class CodePanel {

  /** Tokens of a tile. */
  static final int TOKENS = 4;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int SHORTS = 2 * Lanes.BLOCK;

  /** Bytes from a line to the next, of codes that have one vector in it. */
  private static final int LINE = CodeLayout.TILE_ROWS * Integer.BYTES;

  private CodePanel() {}

  /** Unpacks {@code lines} lines of a vector of rows, from byte {@code first} of {@code codes}, the first or the second of a block. */
  static void unpack(CodeLayout layout, MemorySegment codes, long first, int lines, short[] panel, int vector) {
    if (layout.bits() == 3) {
      unpackThrees(codes, first, lines, panel, vector * BLOCK);
    } else {
      unpack(codes, first, lines, layout.bits(), layout.units(), panel, vector * BLOCK);
    }
  }

  private static ShortVector load(MemorySegment codes, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, codes, at, Lanes.ORDER);
  }

  private static void unpack(MemorySegment codes, long first, int lines, int bits, int units, short[] panel, int at) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) ((1 << bits) - 1));
    int target = at;
    for (int line = 0; line < lines; line++) {
      ShortVector x = load(codes, first + (long) line * LINE);
      for (int unit = 0; unit < units; unit++, target += 2 * SHORTS) {
        x.and(mask).intoArray(panel, target);
        x.lanewise(LSHR, 8).and(mask).intoArray(panel, target + SHORTS);
        x = x.lanewise(LSHR, bits);
      }
    }
  }

  private static void unpackThrees(MemorySegment codes, long first, int lines, short[] panel, int at) {
    int target = at;
    for (int half = 0; half < 2 * lines; half++) {
      // Four units: their bits 0 and 1 in a vector of the line, bits 2 in a half of the bytes of its third.
      long line = first + (long) (half >> 1) * 3 * LINE;
      ShortVector low = load(codes, line + (half & 1) * LINE);
      ShortVector high = load(codes, line + 2 * LINE).lanewise(LSHR, 4 * (half & 1));
      for (int unit = 0; unit < 4; unit++, target += 2 * SHORTS) {
        low.and((short) 3).or(high.and((short) 1).lanewise(LSHL, 2)).intoArray(panel, target);
        low.lanewise(LSHR, 8).and((short) 3).or(high.lanewise(LSHR, 6).and((short) 4)).intoArray(panel, target + SHORTS);
        low = low.lanewise(LSHR, 2);
        high = high.lanewise(LSHR, 1);
      }
    }
  }

  private static ShortVector pair(int[] pairs, int i) {
    return IntVector.broadcast(Lanes.INTS, pairs[i]).reinterpretAsShorts();
  }

  private static ShortVector codes(short[] panel, int at) {
    return ShortVector.fromArray(Lanes.SHORTS, panel, at);
  }

  /** Four tokens, {@code count} pairs of columns in which 16 bits cannot overflow; {@code sums} is [4][2 · BLOCK]. */
  static void four(short[] panel, int count, int[] pairs, int at, int stride, short[] sums) {
    ShortVector s00 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s01 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s10 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s11 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s20 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s21 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s30 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s31 = ShortVector.zero(Lanes.SHORTS);
    for (int k = 0; k < count; k++) {
      ShortVector c0 = codes(panel, k * SHORTS);
      ShortVector c1 = codes(panel, k * SHORTS + BLOCK);
      ShortVector a = pair(pairs, at + k);
      s00 = s00.add(c0.mul(a));
      s01 = s01.add(c1.mul(a));
      a = pair(pairs, at + stride + k);
      s10 = s10.add(c0.mul(a));
      s11 = s11.add(c1.mul(a));
      a = pair(pairs, at + 2 * stride + k);
      s20 = s20.add(c0.mul(a));
      s21 = s21.add(c1.mul(a));
      a = pair(pairs, at + 3 * stride + k);
      s30 = s30.add(c0.mul(a));
      s31 = s31.add(c1.mul(a));
    }
    s00.intoArray(sums, 0);
    s01.intoArray(sums, BLOCK);
    s10.intoArray(sums, SHORTS);
    s11.intoArray(sums, SHORTS + BLOCK);
    s20.intoArray(sums, 2 * SHORTS);
    s21.intoArray(sums, 2 * SHORTS + BLOCK);
    s30.intoArray(sums, 3 * SHORTS);
    s31.intoArray(sums, 3 * SHORTS + BLOCK);
  }

  /** As {@link #four} for one token. */
  static void one(short[] panel, int count, int[] pairs, int at, short[] sums) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int k = 0; k < count; k++) {
      ShortVector a = pair(pairs, at + k);
      s0 = s0.add(codes(panel, k * SHORTS).mul(a));
      s1 = s1.add(codes(panel, k * SHORTS + BLOCK).mul(a));
    }
    s0.intoArray(sums, 0);
    s1.intoArray(sums, BLOCK);
  }

  /** Adds the unsigned halves of {@code count} pairs to {@code dots}, or replaces them. */
  static void widen(short[] sums, int[] dots, int at, int count, boolean add) {
    for (int i = 0; i < count; i += LANES) {
      IntVector both = ShortVector.fromArray(Lanes.SHORTS, sums, 2 * i).reinterpretAsInts();
      IntVector sum = both.and(0xffff).add(both.lanewise(LSHR, 16));
      (add ? sum.add(IntVector.fromArray(Lanes.INTS, dots, at + i)) : sum).intoArray(dots, at + i);
    }
  }

  /**
   * Two tokens where every product fills 16 bits, widened at once as in {@link CodeDots}; adds to or replaces
   * {@code dots[0..2 · BLOCK]} from {@code target}.
   */
  static void twoBytes(short[] panel, int count, int[] pairs, int at, int stride, int[] dots, int target, boolean add) {
    IntVector a00 = IntVector.zero(Lanes.INTS);
    IntVector a01 = IntVector.zero(Lanes.INTS);
    IntVector a10 = IntVector.zero(Lanes.INTS);
    IntVector a11 = IntVector.zero(Lanes.INTS);
    IntVector h00 = IntVector.zero(Lanes.INTS);
    IntVector h01 = IntVector.zero(Lanes.INTS);
    IntVector h10 = IntVector.zero(Lanes.INTS);
    IntVector h11 = IntVector.zero(Lanes.INTS);
    for (int k = 0; k < count; k++) {
      ShortVector c0 = codes(panel, k * SHORTS);
      ShortVector c1 = codes(panel, k * SHORTS + BLOCK);
      ShortVector a = pair(pairs, at + k);
      IntVector p0 = c0.mul(a).reinterpretAsInts();
      IntVector p1 = c1.mul(a).reinterpretAsInts();
      a = pair(pairs, at + stride + k);
      IntVector q0 = c0.mul(a).reinterpretAsInts();
      IntVector q1 = c1.mul(a).reinterpretAsInts();
      a00 = a00.add(p0);
      a01 = a01.add(p1);
      a10 = a10.add(q0);
      a11 = a11.add(q1);
      h00 = h00.add(p0.lanewise(LSHR, 16));
      h01 = h01.add(p1.lanewise(LSHR, 16));
      h10 = h10.add(q0.lanewise(LSHR, 16));
      h11 = h11.add(q1.lanewise(LSHR, 16));
    }
    put(a00, h00, dots, target, add);
    put(a01, h01, dots, target + LANES, add);
    put(a10, h10, dots, target + BLOCK, add);
    put(a11, h11, dots, target + BLOCK + LANES, add);
  }

  /** As {@link #twoBytes} for one token. */
  static void oneBytes(short[] panel, int count, int[] pairs, int at, int[] dots, int target, boolean add) {
    IntVector a0 = IntVector.zero(Lanes.INTS);
    IntVector a1 = IntVector.zero(Lanes.INTS);
    IntVector h0 = IntVector.zero(Lanes.INTS);
    IntVector h1 = IntVector.zero(Lanes.INTS);
    for (int k = 0; k < count; k++) {
      ShortVector a = pair(pairs, at + k);
      IntVector p0 = codes(panel, k * SHORTS).mul(a).reinterpretAsInts();
      IntVector p1 = codes(panel, k * SHORTS + BLOCK).mul(a).reinterpretAsInts();
      a0 = a0.add(p0);
      a1 = a1.add(p1);
      h0 = h0.add(p0.lanewise(LSHR, 16));
      h1 = h1.add(p1.lanewise(LSHR, 16));
    }
    put(a0, h0, dots, target, add);
    put(a1, h1, dots, target + LANES, add);
  }

  private static void put(IntVector all, IntVector high, int[] dots, int at, boolean add) {
    IntVector sum = all.sub(high.mul(0xffff));
    (add ? sum.add(IntVector.fromArray(Lanes.INTS, dots, at)) : sum).intoArray(dots, at);
  }
}
