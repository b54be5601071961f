package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.LSHL;

import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Activations around 0 that multiply two columns of codes at once. A 16-bit lane has codes c + 256 · d of two columns; times
 * b + 256 · a that is c·b + 256 · (c·a + d·b), modulo 2¹⁶. With a bias that makes c·b and c·a + d·b no less than 0, and small
 * activations, which keep both below 256, the high byte is the sum of the two products: half as many multiplications as columns,
 * of codes as they lie in a tile.
 *
 * <p>A unit of columns has two ints: the biases, and what multiplies columns (0, 1) and (2, 3). Of 2-bit codes two units fit a byte.
 */
final class Balanced {

  /** In place of the largest activation. */
  static final int MARK = -1;

  private static final VectorShuffle<Integer> NEIGHBOUR = VectorShuffle.fromOp(Lanes.INTS, i -> i ^ 1);
  private static final VectorMask<Integer> ODD = VectorMask.fromLong(Lanes.INTS, 0xaaaa_aaaa_aaaa_aaaaL);

  private Balanced() {}

  /** The largest activation, of either sign; 0 where codes of a layout are multiplied otherwise. */
  static int maxActivation(CodeLayout layout) {
    return switch (layout.bits()) {
      case 4 -> 8;    // 15 · 2 · 8 = 240, and 15 · 8 · 2 for the low byte
      case 2 -> 21;   // 3 · 4 · 21 = 252, and 3 · 21 · 2 · 2
      default -> 0;
    };
  }

  /** Lines whose sums of high bytes fit 16 bits: one of up to 255 for every two columns of 4 bits, or four of 2, of a lane. */
  static int span(CodeLayout layout) {
    return 0xffff / 255 / (layout.bits() == 4 ? layout.units() : layout.units() / 2);
  }

  /** What the biases add to a row's sum for every activation below 0, by which it is below. */
  static int bias(CodeLayout layout) {
    return layout.maxCode();
  }

  /** Turns pairs of activations, columns (0, 2) and (1, 3) of each unit, into biases and factors. */
  static void fold(CodeLayout layout, int[] pairs, int at, int count) {
    int low = layout.maxCode() * maxActivation(layout) * 0x10001;
    int high = layout.maxCode() << 8;
    int i = 0;
    for (; i <= count - Lanes.COUNT; i += Lanes.COUNT) {
      IntVector own = IntVector.fromArray(Lanes.INTS, pairs, at + i);
      IntVector other = own.rearrange(NEIGHBOUR);
      IntVector negative = negative(own).add(negative(other));
      IntVector factor = own.reinterpretAsShorts().add(other.reinterpretAsShorts().lanewise(LSHL, 8)).reinterpretAsInts();
      negative.mul(high).add(low).blend(factor, ODD).intoArray(pairs, at + i);
    }
    for (; i < count; i += 2) {
      int even = pairs[at + i];
      int odd = pairs[at + i + 1];
      pairs[at + i] = (negative(even) + negative(odd)) * high + low;
      pairs[at + i + 1] = (odd + (even << 8) & 0xffff) | (odd >>> 16) + (even >>> 16 << 8) << 16;
    }
  }

  private static IntVector negative(IntVector pairs) {
    return pairs.reinterpretAsShorts().neg().max((short) 0).reinterpretAsInts();
  }

  /** How far below 0 both activations of a pair are. */
  private static int negative(int pair) {
    return Math.max(0, -(short) pair) | Math.max(0, -(pair >> 16)) << 16;
  }
}
