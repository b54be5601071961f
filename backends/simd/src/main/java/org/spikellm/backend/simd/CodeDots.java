package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.stream.Stream;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Integer products of codes in tiles with the activations of one token, a vector of rows in the lanes: nothing is unpacked to memory.
 * Each 16-bit lane adds up the products of one half of the lanes' pairs, for a *span* of lines in which they cannot overflow, and is
 * written out as it is; {@link #widen} adds the two halves. One loop a method and few operations in it: C2 stops inlining, and
 * then boxes every vector, in methods that are much longer than these.
 *
 * <p>The codes are read vector by vector, in order: loops go on by {@link Lanes#one}.
 */
final class CodeDots {

  /** Columns of a span at most: a panel of as many, unpacked, fits the first cache. */
  static final int SPAN_COLUMNS = 256;

  /** Bytes from a line to the next, of codes that have one vector in it. */
  static final int LINE = CodeLayout.TILE_ROWS * Integer.BYTES;

  /**
   * The kernels of one span, for one vector of rows and for several. A handle that is not a constant is the one kind of call that C2 never
   * inlines: inlined into their callers, the shorter of these would make methods in which vectors are boxed.
   */
  private static final MethodHandle[] ONE = handles(CodeDots.class);
  private static final MethodHandle[] SEVERAL = handles(CodeStreams.class);

  private static final int BALANCED = 4;

  private CodeDots() {}

  private static MethodHandle[] handles(Class<?> kernels) {
    return Stream.of("span2", "span3", "span4", "span8", "balanced2", "balanced4").map(name -> handle(kernels, name))
        .toArray(MethodHandle[]::new);
  }

  private static MethodHandle handle(Class<?> kernels, String name) {
    try {
      return MethodHandles.lookup().findStatic(kernels, name, MethodType.methodType(void.class, MemorySegment.class,
          long[].class, int.class, int[].class, int.class, int[].class, int.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** Lines whose products add up in 16 bits without overflow, at most {@link #SPAN_COLUMNS}. */
  static int span(CodeLayout layout, int maxActivation) {
    int products = 0xffff / (layout.maxCode() * maxActivation);
    return Math.max(1, Math.min(products / layout.pairs(), SPAN_COLUMNS / layout.perLine()));
  }

  /**
   * Σ a·c of a group's steps {@code from..to − 1} for some vectors of rows, modulo 2³², put to {@code dots}.
   *
   * @param vectors 1 or {@link CodeStreams#VECTORS}
   * @param pairs the activations of all steps, from {@code at}
   * @param maxActivation none is above; or {@link Balanced#MARK} where these are {@link Balanced} ones
   * @param target where the first vector's are put, each of the next {@code stride} on
   */
  static void dots(TiledCodes codes, int vector, int vectors, int group, int from, int to, int[] pairs, int at, int maxActivation,
      int[] dots, int target, int stride, Scratch scratch) {
    CodeLayout layout = codes.layout;
    boolean balanced = maxActivation == Balanced.MARK;
    boolean whole = layout.bits() == 8;
    int span = balanced ? Balanced.span(layout) : whole ? to - from : span(layout, maxActivation);
    MethodHandle kernel = (vectors == 1 ? ONE : SEVERAL)[balanced ? BALANCED + layout.bits() / 4 : whole ? 3 : layout.bits() - 2];
    int line = codes.line(group) - codes.groupStep(group);
    long[] first = scratch.streams;
    int[] sums = scratch.lanes;
    for (int step = from; step < to; step += span) {
      for (int s = 0; s < vectors; s++) {
        first[s] = codes.at(vector + s, line + step);
      }
      try {
        kernel.invokeExact(codes.codes, first, Math.min(span, to - step), pairs, at + step * layout.pairs(), sums, Lanes.one);
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw new IllegalStateException(e); // the kernels declare none
      }
      for (int s = 0; s < vectors; s++) {
        if (whole) {
          IntVector.fromArray(Lanes.INTS, sums, s * Lanes.COUNT).intoArray(dots, target + s * stride);
        } else {
          widen(sums, s * Lanes.COUNT, dots, target + s * stride, step > from);
        }
      }
    }
  }

  /** As the other, of all steps of a group. */
  static void dots(TiledCodes codes, int vector, int vectors, int group, int[] pairs, int at, int maxActivation, int[] dots, int target,
      int stride, Scratch scratch) {
    dots(codes, vector, vectors, group, codes.groupStep(group), codes.groupStepEnd(group), pairs, at, maxActivation, dots, target, stride,
        scratch);
  }

  /** A pair of activations for every row. */
  static ShortVector pair(int[] pairs, int i) {
    return IntVector.broadcast(Lanes.INTS, pairs[i]).reinterpretAsShorts();
  }

  private static ShortVector load(MemorySegment codes, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, codes, at, Lanes.ORDER);
  }

  private static void span4(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 15);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < lines; i += one) {
      ShortVector x = load(codes, first[0] + (long) i * LINE);
      s0 = s0.add(x.and(mask).mul(pair(pairs, at + 4 * i)));
      s1 = s1.add(x.lanewise(LSHR, 8).and(mask).mul(pair(pairs, at + 4 * i + 1)));
      s0 = s0.add(x.lanewise(LSHR, 4).and(mask).mul(pair(pairs, at + 4 * i + 2)));
      s1 = s1.add(x.lanewise(LSHR, 12).mul(pair(pairs, at + 4 * i + 3)));
    }
    s0.add(s1).reinterpretAsInts().intoArray(sums, 0);
  }

  private static void span3(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < 2 * lines; i += one) {
      // Four units: their bits 0 and 1 in a vector of the line, bits 2 in a half of the bytes of its third.
      long line = first[0] + (long) (i >> 1) * 3 * LINE;
      ShortVector low = load(codes, line + (i & 1) * LINE);
      ShortVector high = load(codes, line + 2 * LINE).lanewise(LSHR, 4 * (i & 1));
      for (int p = at + 8 * i; p < at + 8 * i + 8; p += 2) {
        s0 = s0.add(low.and((short) 3).or(high.and((short) 1).lanewise(LSHL, 2)).mul(pair(pairs, p)));
        s1 = s1.add(low.lanewise(LSHR, 8).and((short) 3).or(high.lanewise(LSHR, 6).and((short) 4)).mul(pair(pairs, p + 1)));
        low = low.lanewise(LSHR, 2);
        high = high.lanewise(LSHR, 1);
      }
    }
    s0.add(s1).reinterpretAsInts().intoArray(sums, 0);
  }

  private static void span2(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 3);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < lines; i += one) {
      ShortVector x = load(codes, first[0] + (long) i * LINE);
      for (int p = at + 8 * i; p < at + 8 * i + 8; p += 2) {
        s0 = s0.add(x.and(mask).mul(pair(pairs, p)));
        s1 = s1.add(x.lanewise(LSHR, 8).and(mask).mul(pair(pairs, p + 1)));
        x = x.lanewise(LSHR, 2);
      }
    }
    s0.add(s1).reinterpretAsInts().intoArray(sums, 0);
  }

  /**
   * The products of 8-bit codes with activations up to 257: each fills 16 bits, so it is widened at once, to whole sums. With x a pair
   * of products as an unsigned int, Σ low + Σ high = Σ x − (Σ (x >>> 16) << 16) + Σ (x >>> 16), all modulo 2³².
   */
  private static void span8(MemorySegment codes, long[] first, int lines, int[] pairs, int at, int[] sums, int one) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0xff);
    IntVector all = IntVector.zero(Lanes.INTS);
    IntVector high = IntVector.zero(Lanes.INTS);
    for (int i = 0; i < lines; i += one) {
      ShortVector x = load(codes, first[0] + (long) i * LINE);
      IntVector p = x.and(mask).mul(pair(pairs, at + 2 * i)).reinterpretAsInts();
      IntVector q = x.lanewise(LSHR, 8).mul(pair(pairs, at + 2 * i + 1)).reinterpretAsInts();
      all = all.add(p).add(q);
      high = high.add(p.lanewise(LSHR, 16)).add(q.lanewise(LSHR, 16));
    }
    all.sub(high.mul(0xffff)).intoArray(sums, 0);
  }

  /** Products of {@link Balanced} activations: the high bytes of lanes are the sums of two columns. */
  private static void balanced4(MemorySegment codes, long[] first, int lines, int[] factors, int at, int[] sums, int one) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0x0f0f);
    ShortVector h0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h1 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < lines; i += one) {
      ShortVector x = load(codes, first[0] + (long) i * LINE);
      ShortVector p = x.and(mask).mul(pair(factors, at + 4 * i + 1)).add(pair(factors, at + 4 * i));
      ShortVector q = x.lanewise(LSHR, 4).and(mask).mul(pair(factors, at + 4 * i + 3)).add(pair(factors, at + 4 * i + 2));
      h0 = h0.add(p.lanewise(LSHR, 8));
      h1 = h1.add(q.lanewise(LSHR, 8));
    }
    h0.add(h1).reinterpretAsInts().intoArray(sums, 0);
  }

  /** As {@link #balanced4}: of four columns, two units. */
  private static void balanced2(MemorySegment codes, long[] first, int lines, int[] factors, int at, int[] sums, int one) {
    ShortVector mask = ShortVector.broadcast(Lanes.SHORTS, (short) 0x0303);
    ShortVector sum = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < 2 * lines; i += one) {
      ShortVector x = load(codes, first[0] + (long) (i >> 1) * LINE).lanewise(LSHR, 4 * (i & 1));
      ShortVector p = x.and(mask).mul(pair(factors, at + 4 * i + 1)).add(pair(factors, at + 4 * i));
      ShortVector q = x.lanewise(LSHR, 2).and(mask).mul(pair(factors, at + 4 * i + 3)).add(pair(factors, at + 4 * i + 2));
      sum = sum.add(p.add(q).lanewise(LSHR, 8));
    }
    sum.reinterpretAsInts().intoArray(sums, 0);
  }

  /** Adds {@code 256 · high} to {@code count} sums: the second digit of activations. */
  static void addHigh(int[] high, int from, int[] dots, int at, int count) {
    for (int i = 0; i < count; i++) {
      dots[at + i] += high[from + i] << 8;
    }
  }

  /** The two halves of lanes, unsigned. */
  private static void widen(int[] sums, int from, int[] dots, int at, boolean add) {
    IntVector both = IntVector.fromArray(Lanes.INTS, sums, from);
    IntVector sum = both.and(0xffff).add(both.lanewise(LSHR, 16));
    (add ? sum.add(IntVector.fromArray(Lanes.INTS, dots, at)) : sum).intoArray(dots, at);
  }
}
