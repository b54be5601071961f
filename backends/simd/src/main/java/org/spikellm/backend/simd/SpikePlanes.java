package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.IS_DEFAULT;

import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import org.spikellm.api.SpikeTrain;

/**
 * Spike counts as bits, for {@link PlaneDots}: of what a count is more than the least of its token and class, as many bits as any token's
 * counts need, and of each a word for 32 columns.
 */
final class SpikePlanes {

  /** With more bits it takes longer than with tables. */
  private static final int MOST_BITS = Byte.SIZE;

  /** Integers up to it are floats. */
  private static final long EXACT = 1 << 24;

  private static final int WORDS = PlaneCodes.WORDS;
  private static final int LANES = Lanes.COUNT;

  int tokens;
  /** Of each class. */
  private int[] bits = {};
  /** [chunks][tokens][bits of the class, the highest first][WORDS]; in a word a 1 for each column whose bit is 0. */
  int[] words = {};
  /** θ, [classes][tokens]. */
  float[] thetas = {};
  /** Of what is to be multiplied with θ later, as {@link #thetas}. */
  float[] ones = {};
  /** The least count less the zero point, [classes][tokens]. */
  float[] shifts = {};
  /** Where each chunk begins in {@link #words}, and the end. */
  private int[] starts = {};
  /** The least count, and what the largest is more, [classes][tokens]. */
  private int[] least = {};
  private int[] ranges = {};

  /** Takes up a train, without vectors where {@code plain}; false where bits would not be exact, or not worth it. */
  boolean read(PlaneCodes codes, SpikeTrain x, SimdSession session, boolean plain) {
    tokens = x.tokens();
    int classes = codes.classes();
    if (thetas.length < classes * tokens) {
      thetas = new float[classes * tokens];
      ones = new float[classes * tokens];
      Arrays.fill(ones, 1);
      shifts = new float[classes * tokens];
      least = new int[classes * tokens];
      ranges = new int[classes * tokens];
    }
    session.workers().forEach(tokens, (token, worker) -> range(codes, x, token, session.scratch(worker)));
    bits = new int[classes];
    for (int c = 0; c < classes; c++) {
      int range = Arrays.stream(ranges, c * tokens, (c + 1) * tokens).reduce(0, (a, b) -> a | b);
      bits[c] = Integer.SIZE - Integer.numberOfLeadingZeros(range);
      if (bits[c] > MOST_BITS || !exact(x, c, codes.columns)) {
        return false;
      }
    }
    starts = new int[codes.chunks + 1];
    for (int chunk = 0; chunk < codes.chunks; chunk++) {
      starts[chunk + 1] = Math.addExact(starts[chunk], Math.multiplyExact(tokens, bits[codes.classOf[chunk]] * WORDS));
    }
    words = words.length < starts[codes.chunks] ? new int[starts[codes.chunks]] : words;
    session.workers().forEach(tokens, (token, worker) -> fill(codes, x, token, session.scratch(worker), plain));
    return true;
  }

  /** Bits of the counts of a chunk's class. */
  int bits(PlaneCodes codes, int chunk) {
    return bits[codes.classOf[chunk]];
  }

  /** Where a token's words of a chunk begin. */
  int word(PlaneCodes codes, int chunk, int token) {
    return starts[chunk] + token * bits(codes, chunk) * WORDS;
  }

  private void range(PlaneCodes codes, SpikeTrain x, int token, Scratch scratch) {
    int[] stored = scratch.row.read(x, token, 0, codes.columns);
    for (int c = 0; c < codes.classes(); c++) {
      int from = x.order().start(c);
      int to = x.order().end(c);
      int low = from == to ? 0 : Integer.MAX_VALUE;
      int high = from == to ? 0 : Integer.MIN_VALUE;
      for (int i = from; i < to; i++) {
        low = Math.min(low, stored[i]);
        high = Math.max(high, stored[i]);
      }
      least[c * tokens + token] = low;
      ranges[c * tokens + token] = high - low;
      thetas[c * tokens + token] = x.thresholds().getFloat(token, c);
    }
  }

  /** Whether sums over {@code columns}, in any order, are floats; and their {@link #shifts}. */
  private boolean exact(SpikeTrain x, int c, int columns) {
    for (int t = 0; t < tokens; t++) {
      long shift = (long) least[c * tokens + t] - x.zeros().getInt(t, c);
      if (columns * ((1 << MOST_BITS) + Math.abs(shift)) > EXACT) {
        return false;
      }
      shifts[c * tokens + t] = shift;
    }
    return true;
  }

  private void fill(PlaneCodes codes, SpikeTrain x, int token, Scratch scratch, boolean plain) {
    int[] stored = scratch.row.read(x, token, 0, codes.columns);
    // The last chunk is read to its end.
    int[] counts = scratch.digits(codes.columns + PlaneCodes.COLUMNS);
    System.arraycopy(stored, 0, counts, 0, codes.columns);
    for (int chunk = 0; chunk < codes.chunks; chunk++) {
      int c = codes.classOf[chunk];
      int from = codes.starts[chunk];
      int to = word(codes, chunk, token);
      if (plain) {
        PlainPlanes.words(counts, from, least[c * tokens + token], bits[c], words, to);
      } else {
        words(counts, from, least[c * tokens + token], bits[c], words, to);
      }
    }
  }

  private static void words(int[] counts, int from, int least, int bits, int[] words, int to) {
    for (int word = 0; word < WORDS; word++, from += Integer.SIZE) {
      IntVector low = IntVector.fromArray(Lanes.INTS, counts, from).sub(least);
      IntVector high = IntVector.fromArray(Lanes.INTS, counts, from + LANES).sub(least);
      for (int bit = 0; bit < bits; bit++) {
        long zeros = low.and(1 << bit).test(IS_DEFAULT).toLong() | high.and(1 << bit).test(IS_DEFAULT).toLong() << LANES;
        words[to + (bits - 1 - bit) * WORDS + word] = (int) zeros;
      }
    }
  }
}
