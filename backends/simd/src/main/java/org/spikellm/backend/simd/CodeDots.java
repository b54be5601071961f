package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Integer products of packed codes with the activations of one token, a block of rows in the lanes: nothing is unpacked to memory.
 * Each 16-bit lane adds up the products of one half of the lanes' pairs, for a *span* of steps in which they cannot overflow, and is
 * written out as it is; {@link #widen} adds the two halves. One loop a method and few operations in it: C2 stops inlining, and
 * then boxes every vector, in methods that are much longer than these.
 */
final class CodeDots {

  /** Columns of a span at most: a panel of as many, unpacked, fits the first cache. */
  static final int SPAN_COLUMNS = 256;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int SHORTS = 2 * Lanes.BLOCK;
  private static final int V = Lanes.BYTES;

  private CodeDots() {}

  /**
   * Steps whose products add up in 16 bits without overflow, at most {@link #SPAN_COLUMNS}. Of 4-bit codes a power of two, so that
   * no span that begins a multiple of it behind a group's start passes the end of a piece.
   */
  static int span(PackedCodes codes, int maxActivation) {
    int pairs = 0xffff / (codes.layout.maxCode() * maxActivation);
    int span = Math.max(1, Math.min(pairs / codes.layout.pairs(), SPAN_COLUMNS / codes.layout.perStep()));
    return codes.layout.bits() == 4 ? Integer.highestOneBit(span) : span;
  }

  /**
   * Σ a·c of every group of a block, modulo 2³²: {@code dots} is [groups][BLOCK].
   *
   * @param pairs the activations, from {@code at}; none above {@code maxActivation}
   */
  static void dots(PackedCodes codes, int block, int[] pairs, int at, int maxActivation, int[] dots, Scratch scratch) {
    int span = span(codes, maxActivation);
    if (codes.layout.bits() == 8) {
      for (int g = 0; g < codes.groups; g++) {
        bytes(codes.from(block, 0), codes.groupStep(g), codes.groupStepEnd(g), pairs, at, dots, g * BLOCK);
      }
    } else if (codes.stepsPerGroup > 0 && codes.stepsPerGroup <= span) {
      short[] sums = scratch.shorts(codes.groups * SHORTS);
      spans(codes, block, 0, codes.steps, codes.stepsPerGroup, pairs, at, maxActivation, sums);
      widen(sums, dots, 0, codes.groups * BLOCK);
    } else {
      short[] sums = scratch.shorts(Lanes.ceilDiv(Lanes.ceilDiv(codes.maxGroupColumns, codes.layout.perStep()), span) * SHORTS);
      for (int g = 0; g < codes.groups; g++) {
        int from = codes.groupStep(g);
        spans(codes, block, from, codes.groupStepEnd(g), span, pairs, at, maxActivation, sums);
        widenAndAdd(sums, Lanes.ceilDiv(codes.groupStepEnd(g) - from, span), dots, g * BLOCK);
      }
    }
  }

  /**
   * Spans of the steps {@code from..to − 1}, {@code span} steps each, to consecutive places of {@code sums}: [spans][BLOCK rows][2
   * halves].
   */
  static void spans(PackedCodes codes, int block, int from, int to, int span, int[] pairs, int at, int maxActivation,
      short[] sums) {
    CodeLayout layout = codes.layout;
    MethodHandle kernel = KERNELS[kernel(layout, maxActivation)];
    int target = 0;
    try {
      for (int step = from; step < to; step += span, target += SHORTS) {
        kernel.invokeExact(codes.from(block, step), 0, Math.min(span, to - step), pairs, at + step * layout.pairs(), sums,
            target);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // the kernels declare none
    }
  }

  /**
   * The kernels of one span, {@code count} steps from byte {@code base} of a block. A handle that is not a constant is the one kind
   * of call that C2 never inlines: inlined into their callers, the shorter of these would make methods in which vectors are boxed.
   */
  private static final MethodHandle[] KERNELS =
      {handle("bytes2"), handle("span2"), handle("span3"), handle("bytes4"), handle("span4")};

  private static MethodHandle handle(String name) {
    try {
      return MethodHandles.lookup().findStatic(CodeDots.class, name, MethodType.methodType(void.class, MemorySegment.class,
          int.class, int.class, int[].class, int.class, short[].class, int.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private static int kernel(CodeLayout layout, int maxActivation) {
    int inBytes = maxActivation <= layout.maxByteActivation() ? 0 : 1;
    return switch (layout.bits()) {
      case 2 -> inBytes;
      case 3 -> 2;
      case 4 -> 3 + inBytes;
      default -> throw new IllegalArgumentException(layout.toString());
    };
  }

  private static ShortVector pair(int[] pairs, int i) {
    return IntVector.broadcast(Lanes.INTS, pairs[i]).reinterpretAsShorts();
  }

  private static ShortVector load(MemorySegment block, int at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, block, at, Lanes.ORDER);
  }

  /**
   * 4-bit codes, activations up to 17: a lane is the product of a column's codes in two rows, low + 256 · high, each below 256.
   * Σ high and Σ (low + 256 · high) modulo 2¹⁶ give both sums: half as many multiplications, and half as much to unpack.
   */
  private static void bytes4(MemorySegment block, int base, int count, int[] pairs, int at, short[] sums, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0x0f0f);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < count; i++) {
      ShortVector x = load(block, base + i * 2 * V);
      ShortVector y = load(block, base + i * 2 * V + V);
      ShortVector a = pair(pairs, at + 4 * i);
      ShortVector b = pair(pairs, at + 4 * i + 1);
      ShortVector c = pair(pairs, at + 4 * i + 2);
      ShortVector d = pair(pairs, at + 4 * i + 3);
      ShortVector p = x.and(mask).mul(a);
      ShortVector q = x.lanewise(LSHR, 4).and(mask).mul(b);
      ShortVector r = y.and(mask).mul(c);
      ShortVector s = y.lanewise(LSHR, 4).and(mask).mul(d);
      s0 = s0.add(p).add(r);
      s1 = s1.add(q).add(s);
      h0 = h0.add(p.lanewise(LSHR, 8)).add(r.lanewise(LSHR, 8));
      h1 = h1.add(q.lanewise(LSHR, 8)).add(s.lanewise(LSHR, 8));
    }
    ShortVector high = h0.add(h1);
    s0.add(s1).sub(high.lanewise(LSHL, 8)).intoArray(sums, target);
    high.intoArray(sums, target + BLOCK);
  }

  /** 2-bit codes, activations up to 42: as {@link #bytes4}, and two products fit a byte. */
  private static void bytes2(MemorySegment block, int base, int count, int[] pairs, int at, short[] sums, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0x0303);
    ShortVector both = ShortVector.zero(Lanes.SHORTS);
    ShortVector high = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < 2 * count; i++) {
      ShortVector x = load(block, base + i * V);
      ShortVector p = x.and(mask).mul(pair(pairs, at + 4 * i))
          .add(x.lanewise(LSHR, 2).and(mask).mul(pair(pairs, at + 4 * i + 1)));
      ShortVector q = x.lanewise(LSHR, 4).and(mask).mul(pair(pairs, at + 4 * i + 2))
          .add(x.lanewise(LSHR, 6).and(mask).mul(pair(pairs, at + 4 * i + 3)));
      both = both.add(p).add(q);
      high = high.add(p.lanewise(LSHR, 8)).add(q.lanewise(LSHR, 8));
    }
    both.sub(high.lanewise(LSHL, 8)).intoArray(sums, target);
    high.intoArray(sums, target + BLOCK);
  }

  private static void span4(MemorySegment block, int base, int count, int[] pairs, int at, short[] sums, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 15);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < count; i++) {
      ShortVector x = load(block, base + i * 2 * V);
      ShortVector y = load(block, base + i * 2 * V + V);
      ShortVector a = pair(pairs, at + 4 * i);
      ShortVector b = pair(pairs, at + 4 * i + 1);
      ShortVector c = pair(pairs, at + 4 * i + 2);
      ShortVector d = pair(pairs, at + 4 * i + 3);
      s0 = s0.add(x.and(mask).mul(a)).add(x.lanewise(LSHR, 4).and(mask).mul(b));
      s1 = s1.add(x.lanewise(LSHR, 8).and(mask).mul(a)).add(x.lanewise(LSHR, 12).mul(b));
      s0 = s0.add(y.and(mask).mul(c)).add(y.lanewise(LSHR, 4).and(mask).mul(d));
      s1 = s1.add(y.lanewise(LSHR, 8).and(mask).mul(c)).add(y.lanewise(LSHR, 12).mul(d));
    }
    s0.intoArray(sums, target);
    s1.intoArray(sums, target + BLOCK);
  }

  private static void span3(MemorySegment block, int base, int count, int[] pairs, int at, short[] sums, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 7);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < count; i++) {
      ShortVector x0 = load(block, base + i * 2 * V);
      ShortVector x1 = load(block, base + i * 2 * V + V);
      for (int p = at + 5 * i; p < at + 5 * i + 5; p++) {
        ShortVector a = pair(pairs, p);
        s0 = s0.add(x0.and(mask).mul(a));
        s1 = s1.add(x1.and(mask).mul(a));
        x0 = x0.lanewise(LSHR, 3);
        x1 = x1.lanewise(LSHR, 3);
      }
    }
    s0.intoArray(sums, target);
    s1.intoArray(sums, target + BLOCK);
  }

  private static void span2(MemorySegment block, int base, int count, int[] pairs, int at, short[] sums, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 3);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < 2 * count; i++) {
      ShortVector x = load(block, base + i * V);
      for (int p = at + 4 * i; p < at + 4 * i + 4; p++) {
        ShortVector a = pair(pairs, p);
        s0 = s0.add(x.and(mask).mul(a));
        s1 = s1.add(x.lanewise(LSHR, 8).and(mask).mul(a));
        x = x.lanewise(LSHR, 2);
      }
    }
    s0.intoArray(sums, target);
    s1.intoArray(sums, target + BLOCK);
  }

  /**
   * The products of 8-bit codes with activations up to 257: each fills 16 bits, so it is widened at once. With x a pair of
   * products as an unsigned int, Σ low + Σ high = Σ x − (Σ (x >>> 16) << 16) + Σ (x >>> 16), all modulo 2³².
   */
  static void bytes(MemorySegment block, int from, int to, int[] pairs, int at, int[] dots, int target) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0xff);
    IntVector all0 = IntVector.zero(Lanes.INTS);
    IntVector all1 = IntVector.zero(Lanes.INTS);
    IntVector high0 = IntVector.zero(Lanes.INTS);
    IntVector high1 = IntVector.zero(Lanes.INTS);
    for (int w = from; w < to; w++) {
      ShortVector x0 = load(block, w * 2 * V);
      ShortVector x1 = load(block, w * 2 * V + V);
      ShortVector a = pair(pairs, at + 2 * w);
      ShortVector b = pair(pairs, at + 2 * w + 1);
      IntVector p0 = x0.and(mask).mul(a).reinterpretAsInts();
      IntVector p1 = x1.and(mask).mul(a).reinterpretAsInts();
      IntVector q0 = x0.lanewise(LSHR, 8).mul(b).reinterpretAsInts();
      IntVector q1 = x1.lanewise(LSHR, 8).mul(b).reinterpretAsInts();
      all0 = all0.add(p0).add(q0);
      all1 = all1.add(p1).add(q1);
      high0 = high0.add(p0.lanewise(LSHR, 16)).add(q0.lanewise(LSHR, 16));
      high1 = high1.add(p1.lanewise(LSHR, 16)).add(q1.lanewise(LSHR, 16));
    }
    all0.sub(high0.mul(0xffff)).intoArray(dots, target);
    all1.sub(high1.mul(0xffff)).intoArray(dots, target + LANES);
  }

  /** {@code dots[from..to − 1] += 256 · high}: the second digit of activations. */
  static void addHigh(int[] high, int[] dots, int from, int to) {
    for (int i = from; i < to; i++) {
      dots[i] += high[i] << 8;
    }
  }

  /** {@code dots[i] = } the two halves of {@code sums}'s i-th pair of unsigned shorts, for {@code count} ints. */
  static void widen(short[] sums, int[] dots, int at, int count) {
    for (int i = 0; i < count; i += LANES) {
      IntVector both = ShortVector.fromArray(Lanes.SHORTS, sums, 2 * i).reinterpretAsInts();
      both.and(0xffff).add(both.lanewise(LSHR, 16)).intoArray(dots, at + i);
    }
  }

  /** Adds {@code spans} spans of a block up into {@code dots[at..]}. */
  static void widenAndAdd(short[] sums, int spans, int[] dots, int at) {
    for (int v = 0; v < BLOCK; v += LANES) {
      IntVector total = IntVector.zero(Lanes.INTS);
      for (int s = 0; s < spans; s++) {
        IntVector both = ShortVector.fromArray(Lanes.SHORTS, sums, s * SHORTS + 2 * v).reinterpretAsInts();
        total = total.add(both.and(0xffff)).add(both.lanewise(LSHR, 16));
      }
      total.intoArray(dots, at + v);
    }
  }
}
