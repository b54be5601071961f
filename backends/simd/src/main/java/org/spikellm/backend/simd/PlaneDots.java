package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.BIT_COUNT;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.XOR;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.spikellm.api.Tensor;

/**
 * Spikes meet spikes: products of weights w in {−1, 0, 1} with counts of a few bits are counts of bits. A bit x of a count is (1 + s) / 2
 * with s = 1 where it is set and −1 where not; w·s is −1 exactly where w is not 0 and its sign is not that of s. So, over the columns,
 *
 * <pre>  Σ w·x = (Σ w + Σ |w|) / 2 − |{w ≠ 0, sign of w ≠ sign of s}| = |{w = 1}| − |spikes & (signs ^ ~x)|  </pre>
 *
 * and with all bits {@code Σ w·n = (2^bits − 1) · |{w = 1}| − Σ 2^b · |spikes & (signs ^ ~n_b)|}: one operation of three inputs and one
 * count for 32 columns and a bit. What is known of the weights alone is counted once for all tokens.
 *
 * <p>{@link #chunk} is written out: where C2 inlines as many vectors from other methods it makes objects of them.
 */
final class PlaneDots {

  private static final int LANES = Lanes.COUNT;
  private static final int V = Lanes.BYTES;
  private static final int WORDS = PlaneCodes.WORDS;

  /** Scales of 1. */
  private static final MemorySegment ONES = ones();

  private PlaneDots() {}

  private static MemorySegment ones() {
    MemorySegment ones = Arena.global().allocate(V, V);
    for (int i = 0; i < V; i += Short.BYTES) {
      ones.set(Tensor.SHORT, i, Float.floatToFloat16(1));
    }
    return ones;
  }

  /** {@code sums += sum · (θ · scale)} for some tokens and blocks, group after group; sums are [count][rows of the blocks]. */
  static void add(PlaneCodes codes, SpikePlanes x, int first, int last, int token, int count, float[] sums, Scratch scratch) {
    int stride = (last - first) * Lanes.BLOCK;
    for (int block = first, to = 0; block < last; block++, to += Lanes.BLOCK) {
      for (int chunk = 0; chunk < codes.chunks; chunk++) {
        long at = codes.block(block) + codes.bytes[chunk];
        int ofClass = codes.classOf[chunk] * x.tokens + token;
        if (codes.beginsGroup(chunk) && codes.endsGroup(chunk)) {
          chunk(codes.memory, at, codes.memory, at + PlaneCodes.WORDS_BYTES, x.words, x.word(codes, chunk, token), x.bits(codes, chunk),
              x.thetas, x.shifts, ofClass, count, sums, to, stride);
        } else {
          part(codes, chunk, at, x, token, ofClass, count, sums, to, stride, scratch);
        }
      }
    }
  }

  /** A chunk that is a group. */
  private static void chunk(MemorySegment codes, long at, MemorySegment scales, long scale, int[] words, int word, int bits, float[] thetas,
      float[] shifts, int ofClass, int count, float[] sums, int to, int stride) {
    IntVector spikes00 = IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
    IntVector signs00 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + V, Lanes.ORDER);
    IntVector spikes01 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 2 * V, Lanes.ORDER);
    IntVector signs01 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 3 * V, Lanes.ORDER);
    IntVector spikes02 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 4 * V, Lanes.ORDER);
    IntVector signs02 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 5 * V, Lanes.ORDER);
    IntVector spikes03 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 6 * V, Lanes.ORDER);
    IntVector signs03 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 7 * V, Lanes.ORDER);
    IntVector spikes10 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 8 * V, Lanes.ORDER);
    IntVector signs10 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 9 * V, Lanes.ORDER);
    IntVector spikes11 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 10 * V, Lanes.ORDER);
    IntVector signs11 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 11 * V, Lanes.ORDER);
    IntVector spikes12 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 12 * V, Lanes.ORDER);
    IntVector signs12 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 13 * V, Lanes.ORDER);
    IntVector spikes13 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 14 * V, Lanes.ORDER);
    IntVector signs13 = IntVector.fromMemorySegment(Lanes.INTS, codes, at + 15 * V, Lanes.ORDER);
    IntVector negative0 = signs00.lanewise(BIT_COUNT).add(signs01.lanewise(BIT_COUNT))
        .add(signs02.lanewise(BIT_COUNT).add(signs03.lanewise(BIT_COUNT)));
    IntVector positive0 = spikes00.lanewise(BIT_COUNT).add(spikes01.lanewise(BIT_COUNT))
        .add(spikes02.lanewise(BIT_COUNT).add(spikes03.lanewise(BIT_COUNT))).sub(negative0);
    FloatVector weights0 = (FloatVector) positive0.sub(negative0).convert(I2F, 0);
    FloatVector most0 = (FloatVector) positive0.mul((1 << bits) - 1).convert(I2F, 0);
    IntVector negative1 = signs10.lanewise(BIT_COUNT).add(signs11.lanewise(BIT_COUNT))
        .add(signs12.lanewise(BIT_COUNT).add(signs13.lanewise(BIT_COUNT)));
    IntVector positive1 = spikes10.lanewise(BIT_COUNT).add(spikes11.lanewise(BIT_COUNT))
        .add(spikes12.lanewise(BIT_COUNT).add(spikes13.lanewise(BIT_COUNT))).sub(negative1);
    FloatVector weights1 = (FloatVector) positive1.sub(negative1).convert(I2F, 0);
    FloatVector most1 = (FloatVector) positive1.mul((1 << bits) - 1).convert(I2F, 0);
    IntVector pairs = IntVector.fromMemorySegment(Lanes.INTS, scales, scale, Lanes.ORDER);
    FloatVector factors0 = pairs.lanewise(LSHL, Short.SIZE).lanewise(ASHR, 3).and(TernaryDots.HALF_BITS).reinterpretAsFloats()
        .mul(TernaryDots.HALF_SCALE);
    FloatVector factors1 = pairs.lanewise(ASHR, 3).and(TernaryDots.HALF_BITS).reinterpretAsFloats().mul(TernaryDots.HALF_SCALE);
    for (int t = 0; t < count; t++, to += stride) {
      IntVector against0 = IntVector.zero(Lanes.INTS);
      IntVector against1 = against0;
      for (int bit = 0; bit < bits; bit++, word += WORDS) {
        IntVector word0 = IntVector.broadcast(Lanes.INTS, words[word]);
        IntVector word1 = IntVector.broadcast(Lanes.INTS, words[word + 1]);
        IntVector word2 = IntVector.broadcast(Lanes.INTS, words[word + 2]);
        IntVector word3 = IntVector.broadcast(Lanes.INTS, words[word + 3]);
        against0 = against0.add(against0)
            .add(spikes00.and(signs00.lanewise(XOR, word0)).lanewise(BIT_COUNT)
            .add(spikes01.and(signs01.lanewise(XOR, word1)).lanewise(BIT_COUNT)))
            .add(spikes02.and(signs02.lanewise(XOR, word2)).lanewise(BIT_COUNT)
            .add(spikes03.and(signs03.lanewise(XOR, word3)).lanewise(BIT_COUNT)));
        against1 = against1.add(against1)
            .add(spikes10.and(signs10.lanewise(XOR, word0)).lanewise(BIT_COUNT)
            .add(spikes11.and(signs11.lanewise(XOR, word1)).lanewise(BIT_COUNT)))
            .add(spikes12.and(signs12.lanewise(XOR, word2)).lanewise(BIT_COUNT)
            .add(spikes13.and(signs13.lanewise(XOR, word3)).lanewise(BIT_COUNT)));
      }
      // Integers below 2^24, of which each step is exact.
      float shift = shifts[ofClass + t];
      float theta = thetas[ofClass + t];
      FloatVector sum0 = weights0.mul(shift).add(most0).sub((FloatVector) against0.convert(I2F, 0)).mul(factors0.mul(theta));
      FloatVector sum1 = weights1.mul(shift).add(most1).sub((FloatVector) against1.convert(I2F, 0)).mul(factors1.mul(theta));
      FloatVector.fromArray(Lanes.FLOATS, sums, to).add(sum0).intoArray(sums, to);
      FloatVector.fromArray(Lanes.FLOATS, sums, to + LANES).add(sum1).intoArray(sums, to + LANES);
    }
  }

  /** A chunk of a group of several: what they add up to is multiplied with the scale behind the last one. */
  private static void part(PlaneCodes codes, int chunk, long at, SpikePlanes x, int token, int ofClass, int count, float[] sums, int to,
      int stride, Scratch scratch) {
    float[] integers = scratch.b(count * Lanes.BLOCK);
    if (codes.beginsGroup(chunk)) {
      Arrays.fill(integers, 0, count * Lanes.BLOCK, 0);
    }
    chunk(codes.memory, at, ONES, 0, x.words, x.word(codes, chunk, token), x.bits(codes, chunk), x.ones, x.shifts, ofClass, count,
        integers, 0, Lanes.BLOCK);
    if (codes.endsGroup(chunk)) {
      float[] scales = scratch.c(Lanes.BLOCK);
      TernaryDots.halves(codes.memory, at + PlaneCodes.WORDS_BYTES, scales, Lanes.BLOCK);
      for (int t = 0; t < count; t++) {
        for (int i = 0; i < Lanes.BLOCK; i++) {
          sums[to + t * stride + i] += integers[t * Lanes.BLOCK + i] * (scales[i] * x.thetas[ofClass + t]);
        }
      }
    }
  }
}
