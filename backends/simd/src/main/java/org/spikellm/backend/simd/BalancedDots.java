package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShuffle;

/**
 * Integer products of 4-bit codes with the activations of one token around 0, three blocks of rows at a time: fewer operations a
 * product than {@link CodeDots}, for the smaller activations.
 *
 * <p>A 16-bit lane is low + 256 · high, the codes of a column in two rows, and so is its product with an activation. Two columns'
 * products span at most 15 · (|a| + |b|); with a bias that makes the least of them 0, both rows' sums fit a byte as long as
 * |a| + |b| is at most 17. Then Σ (sum) modulo 2¹⁶ and Σ (sum >>> 8) give both rows.
 *
 * <p>Three blocks share the activations, and are three streams out of memory, which delivers more to several than to one. A
 * fourth would take the method past what C2 inlines, and all its vectors would be objects.
 */
final class BalancedDots {

  /** Blocks of a call. */
  static final int BLOCKS = 3;

  /** The largest activation, of either sign. */
  static final int MAX_ACTIVATION = 8;

  /**
   * Ints that a vector of codes needs: the activations of its low nibbles and those of its high nibbles, which lie in pairs; and
   * the bias, twice, in pairs after those of all vectors.
   */
  static final int FACTORS = 4;

  /** Vectors of a span: each adds at most 15 · 16, so that 273 would fit. */
  private static final int SPAN = 256;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int SHORTS = 2 * Lanes.BLOCK;
  private static final int V = Lanes.BYTES;
  private static final int MAX_CODE = 15;
  private static final VectorShuffle<Integer> NEIGHBOUR = VectorShuffle.fromOp(Lanes.INTS, i -> i ^ 1);

  /** In an array, and so no constant: C2 does not inline the kernel into what has no room for it. */
  private static final MethodHandle[] KERNEL = {kernel()};

  private BalancedDots() {}

  private static MethodHandle kernel() {
    try {
      return MethodHandles.lookup().findStatic(BalancedDots.class, "kernel", MethodType.methodType(void.class,
          MemorySegment.class, long.class, long.class, int.class, int[].class, int.class, int.class, short[].class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Puts the biases of {@code vectors} vectors, whose activations lie from {@code at} on, from {@code biasAt} on.
   *
   * @return what the biases add to every row
   */
  static int biases(int[] factors, int at, int vectors, int biasAt) {
    int length = 2 * vectors;
    int i = 0;
    IntVector total = IntVector.zero(Lanes.INTS);
    for (; i <= length - LANES; i += LANES) {
      IntVector pairs = IntVector.fromArray(Lanes.INTS, factors, at + i);
      IntVector negative = pairs.reinterpretAsShorts().neg().max((short) 0).reinterpretAsInts();
      IntVector both = negative.add(negative.rearrange(NEIGHBOUR));   // halves up to 16, times 3855: no carry
      both.mul(MAX_CODE * 0x0101).intoArray(factors, biasAt + i);
      total = total.add(both.and(0xffff)).add(both.lanewise(LSHR, 16));
    }
    int bias = total.reduceLanes(ADD) / 2;
    for (; i < length; i += 2) {
      int even = Math.max(0, -(short) factors[at + i]) + Math.max(0, -(short) factors[at + i + 1]);
      int odd = Math.max(0, -(factors[at + i] >> 16)) + Math.max(0, -(factors[at + i + 1] >> 16));
      factors[biasAt + i] = MAX_CODE * 0x0101 * (even | odd << 16);
      bias += even + odd;
    }
    return MAX_CODE * bias;
  }

  /**
   * Σ a·c of every group of three blocks, modulo 2³²: {@code dots} is [3][groups][BLOCK].
   *
   * @param block the first block
   * @param stride blocks from one to the next
   * @param factors of all steps, from {@code at}: {@link #FACTORS} a vector
   * @param biases what the factors' biases add up to, of every group from {@code biasesAt}
   * @param add to what {@code dots} holds
   */
  static void dots(PackedCodes codes, int block, int stride, int[] factors, int at, int[] biases, int biasesAt, int[] dots,
      short[] sums, boolean add) {
    int biasAt = at + 4 * codes.steps;
    long first = block * codes.blockBytes();
    long far = stride * codes.blockBytes();
    for (int g = 0; g < codes.groups; g++) {
      int start = 2 * codes.groupStep(g);
      int end = 2 * codes.groupStepEnd(g);
      for (int v = start; v < end; v += SPAN) {
        three(codes.memory, first + (long) v * V, far, Math.min(SPAN, end - v), factors, at + 2 * v,
            biasAt + 2 * v, sums);
        for (int b = 0; b < BLOCKS; b++) {
          int target = (b * codes.groups + g) * BLOCK;
          widen(sums, b * SHORTS, v == start ? biases[biasesAt + g] : 0, dots, target, add || v > start);
        }
      }
    }
  }

  private static void three(MemorySegment codes, long first, long far, int vectors, int[] factors, int at, int biasAt,
      short[] sums) {
    try {
      KERNEL[0].invokeExact(codes, first, far, vectors, factors, at, biasAt, sums);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e); // the kernel declares none
    }
  }

  private static ShortVector factor(int[] factors, int i) {
    return IntVector.broadcast(Lanes.INTS, factors[i]).reinterpretAsShorts();
  }

  private static IntVector load(MemorySegment codes, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
  }

  /** {@code sums} is [3][2][BLOCK shorts]: Σ (low + 256 · high) and Σ high. */
  private static void kernel(MemorySegment codes, long first, long far, int vectors, int[] factors, int at, int biasAt,
      short[] sums) {
    IntVector mask = IntVector.broadcast(Lanes.INTS, 0x0f0f0f0f);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s1 = ShortVector.zero(Lanes.SHORTS);
    ShortVector s2 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h1 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h2 = ShortVector.zero(Lanes.SHORTS);
    long second = first + far;
    long third = second + far;
    for (int i = 0; i < vectors; i++) {
      ShortVector a = factor(factors, at + 2 * i);
      ShortVector bias = factor(factors, biasAt + 2 * i);
      ShortVector b = factor(factors, at + 2 * i + 1);
      IntVector x = load(codes, (long) i * V + first);
      ShortVector p = low(x, mask).mul(a).add(bias).add(high(x, mask).mul(b));
      s0 = s0.add(p);
      h0 = h0.add(p.lanewise(LSHR, 8));
      x = load(codes, (long) i * V + second);
      p = low(x, mask).mul(a).add(bias).add(high(x, mask).mul(b));
      s1 = s1.add(p);
      h1 = h1.add(p.lanewise(LSHR, 8));
      x = load(codes, (long) i * V + third);
      p = low(x, mask).mul(a).add(bias).add(high(x, mask).mul(b));
      s2 = s2.add(p);
      h2 = h2.add(p.lanewise(LSHR, 8));
    }
    s0.intoArray(sums, 0);
    h0.intoArray(sums, BLOCK);
    s1.intoArray(sums, SHORTS);
    h1.intoArray(sums, SHORTS + BLOCK);
    s2.intoArray(sums, 2 * SHORTS);
    h2.intoArray(sums, 2 * SHORTS + BLOCK);
  }

  private static ShortVector low(IntVector x, IntVector mask) {
    return x.and(mask).reinterpretAsShorts();
  }

  private static ShortVector high(IntVector x, IntVector mask) {
    return x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts();
  }

  /** The sums of a block's rows from those of its lanes, less {@code bias}; both kinds of lanes lie in pairs to be added. */
  private static void widen(short[] sums, int from, int bias, int[] dots, int target, boolean add) {
    ShortVector high = ShortVector.fromArray(Lanes.SHORTS, sums, from + BLOCK);
    ShortVector low = ShortVector.fromArray(Lanes.SHORTS, sums, from).sub(high.lanewise(LSHL, 8));
    put(low.reinterpretAsInts(), bias, dots, target, add);
    put(high.reinterpretAsInts(), bias, dots, target + LANES, add);
  }

  private static void put(IntVector both, int bias, int[] dots, int at, boolean add) {
    IntVector sum = both.and(0xffff).add(both.lanewise(LSHR, 16)).sub(bias);
    (add ? sum.add(IntVector.fromArray(Lanes.INTS, dots, at)) : sum).intoArray(dots, at);
  }
}
