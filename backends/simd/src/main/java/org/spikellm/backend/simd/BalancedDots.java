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
 * Integer products of 4-bit codes with the activations of one token around 0: fewer operations a product than {@link CodeDots},
 * for the smaller activations.
 *
 * <p>A 16-bit lane is low + 256 · high, the codes of a column in two rows, and so is its product with an activation. With a bias
 * that makes the least of them 0, the products of both rows fit a byte as long as |a| is at most 17, and the sums of two columns'
 * products as long as |a| + |b| is. Then Σ (sum) modulo 2¹⁶ and Σ (sum >>> 8) give both rows.
 *
 * <p>The codes are read vector by vector, in order. C2 would unroll the loops and then read several vectors in an order of its
 * own, in which the CPU finds no stream to fetch ahead. So they go on by a number that it does not know, {@link #one}, which makes
 * them no counted loops.
 */
final class BalancedDots {

  /** The largest activation, of either sign, for which two columns' products are added before they are taken apart. */
  static final int MAX_IN_PAIRS = 8;

  /** The largest activation, of either sign. */
  static final int MAX_ACTIVATION = 17;

  /**
   * Ints that a vector of codes needs: the activations of its low nibbles and those of its high nibbles, which lie in pairs; and,
   * in pairs after those of all vectors, the biases of both, or twice that of their sum.
   */
  static final int FACTORS = 4;

  /** Vectors of a span: each adds at most 15 · 16, so that 273 would fit; or twice 15 · 17, so that 128 do. */
  private static final int SPAN = 256;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int V = Lanes.BYTES;
  private static final int MAX_CODE = 15;

  /** What makes up for an activation of −1, in both rows. */
  private static final int BIAS = 0x0101 * MAX_CODE;

  private static final VectorShuffle<Integer> NEIGHBOUR = VectorShuffle.fromOp(Lanes.INTS, i -> i ^ 1);

  /** In an array, and so no constants: C2 does not inline the kernels into what has no room for them. */
  private static final MethodHandle[] KERNELS = {handle("pairs"), handle("apart")};

  /** 1, which C2 does not know. */
  @SuppressWarnings("FieldMayBeFinal")
  private static int one = 1;

  private BalancedDots() {}

  private static MethodHandle handle(String name) {
    try {
      return MethodHandles.lookup().findStatic(BalancedDots.class, name, MethodType.methodType(void.class, MemorySegment.class,
          long.class, int.class, int[].class, int.class, int.class, short[].class, int.class));
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /**
   * Puts the biases of {@code vectors} vectors, whose activations lie from {@code at} on, from {@code biasAt} on.
   *
   * @param inPairs whether two columns' products are added before they are taken apart
   * @return what the biases add to every row
   */
  static int biases(int[] factors, int at, int vectors, int biasAt, boolean inPairs) {
    int length = 2 * vectors;
    int i = 0;
    IntVector total = IntVector.zero(Lanes.INTS);
    for (; i <= length - LANES; i += LANES) {
      IntVector pairs = IntVector.fromArray(Lanes.INTS, factors, at + i);
      IntVector negative = pairs.reinterpretAsShorts().neg().max((short) 0).reinterpretAsInts();
      IntVector both = inPairs ? negative.add(negative.rearrange(NEIGHBOUR)) : negative;
      both.mul(BIAS).intoArray(factors, biasAt + i);   // halves of at most 17: no carry
      total = total.add(both.and(0xffff)).add(both.lanewise(LSHR, 16));
    }
    int sum = total.reduceLanes(ADD);
    for (; i < length; i += 2) {
      int low = negative(factors[at + i]);
      int high = negative(factors[at + i + 1]);
      factors[biasAt + i] = BIAS * (inPairs ? low + high : low);
      factors[biasAt + i + 1] = BIAS * (inPairs ? low + high : high);
      int both = (inPairs ? 2 : 1) * (low + high);
      sum += (both & 0xffff) + (both >>> 16);
    }
    return MAX_CODE * sum / (inPairs ? 2 : 1);
  }

  /** How far below 0 both activations of a pair are. */
  private static int negative(int pair) {
    return Math.max(0, -(short) pair) | Math.max(0, -(pair >> 16)) << 16;
  }

  /**
   * Σ a·c of a block over a piece, modulo 2³², of every group that has steps in it: put to {@code dots} where the group begins,
   * else added.
   *
   * @param step the piece's first one
   * @param factors of all steps, from {@code at}: {@link #FACTORS} a vector
   * @param biases what the factors' biases add up to, of every group
   * @param inPairs as the biases were made
   * @param dots [groups][BLOCK] from {@code to}
   */
  static void dots(PackedCodes codes, int block, int step, int[] factors, int at, int[] biases, boolean inPairs, int[] dots,
      int to, short[] sums) {
    int span = inPairs ? SPAN : SPAN / 2;
    MethodHandle kernel = KERNELS[inPairs ? 0 : 1];
    int biasAt = at + 4 * codes.steps;
    int pieceEnd = 2 * codes.pieceEnd(step);
    long first = codes.at(block, step) - (long) step * 2 * V;
    int end;
    int g = codes.groupOf(step);
    for (int start = 2 * step; start < pieceEnd; start = end, g++) {
      boolean begins = start == 2 * codes.groupStep(g);
      end = Math.min(pieceEnd, 2 * codes.groupStepEnd(g));
      for (int v = start; v < end; v += span) {
        try {
          kernel.invokeExact(codes.memory, first + (long) v * V, Math.min(span, end - v), factors, at + 2 * v, biasAt + 2 * v,
              sums, one);
        } catch (RuntimeException | Error e) {
          throw e;
        } catch (Throwable e) {
          throw new IllegalStateException(e); // the kernels declare none
        }
        boolean put = begins && v == start;
        widen(sums, put ? biases[g] : 0, dots, to + g * BLOCK, !put);
      }
    }
  }

  private static ShortVector factor(int[] factors, int i) {
    return IntVector.broadcast(Lanes.INTS, factors[i]).reinterpretAsShorts();
  }

  private static IntVector load(MemorySegment codes, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
  }

  /** {@code sums} is [2][BLOCK shorts]: Σ (low + 256 · high) and Σ high. */
  private static void pairs(MemorySegment codes, long first, int vectors, int[] factors, int at, int biasAt, short[] sums,
      int one) {
    IntVector mask = IntVector.broadcast(Lanes.INTS, 0x0f0f0f0f);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h0 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < vectors; i += one) {
      IntVector x = load(codes, (long) i * V + first);
      ShortVector p = low(x, mask).mul(factor(factors, at + 2 * i)).add(factor(factors, biasAt + 2 * i))
          .add(high(x, mask).mul(factor(factors, at + 2 * i + 1)));
      s0 = s0.add(p);
      h0 = h0.add(p.lanewise(LSHR, 8));
    }
    s0.intoArray(sums, 0);
    h0.intoArray(sums, BLOCK);
  }

  /** As {@link #pairs}, the products of each column taken apart. */
  private static void apart(MemorySegment codes, long first, int vectors, int[] factors, int at, int biasAt, short[] sums,
      int one) {
    IntVector mask = IntVector.broadcast(Lanes.INTS, 0x0f0f0f0f);
    ShortVector s0 = ShortVector.zero(Lanes.SHORTS);
    ShortVector h0 = ShortVector.zero(Lanes.SHORTS);
    for (int i = 0; i < vectors; i += one) {
      IntVector x = load(codes, (long) i * V + first);
      ShortVector p = low(x, mask).mul(factor(factors, at + 2 * i)).add(factor(factors, biasAt + 2 * i));
      ShortVector q = high(x, mask).mul(factor(factors, at + 2 * i + 1)).add(factor(factors, biasAt + 2 * i + 1));
      s0 = s0.add(p).add(q);
      h0 = h0.add(p.lanewise(LSHR, 8)).add(q.lanewise(LSHR, 8));
    }
    s0.intoArray(sums, 0);
    h0.intoArray(sums, BLOCK);
  }

  private static ShortVector low(IntVector x, IntVector mask) {
    return x.and(mask).reinterpretAsShorts();
  }

  private static ShortVector high(IntVector x, IntVector mask) {
    return x.lanewise(LSHR, 4).and(mask).reinterpretAsShorts();
  }

  /** The sums of a block's rows from those of its lanes, less {@code bias}; both kinds of lanes lie in pairs to be added. */
  private static void widen(short[] sums, int bias, int[] dots, int target, boolean add) {
    ShortVector high = ShortVector.fromArray(Lanes.SHORTS, sums, BLOCK);
    ShortVector low = ShortVector.fromArray(Lanes.SHORTS, sums, 0).sub(high.lanewise(LSHL, 8));
    put(low.reinterpretAsInts(), bias, dots, target, add);
    put(high.reinterpretAsInts(), bias, dots, target + LANES, add);
  }

  private static void put(IntVector both, int bias, int[] dots, int at, boolean add) {
    IntVector sum = both.and(0xffff).add(both.lanewise(LSHR, 16)).sub(bias);
    (add ? sum.add(IntVector.fromArray(Lanes.INTS, dots, at)) : sum).intoArray(dots, at);
  }
}
