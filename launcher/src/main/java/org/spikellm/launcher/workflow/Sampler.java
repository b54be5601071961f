package org.spikellm.launcher.workflow;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;

/** Chooses one token after the other; equal seeds and logits give equal tokens. */
public final class Sampler {

  private final SamplingOptions options;
  private final SplittableRandom random;

  public Sampler(SamplingOptions options) {
    this.options = options;
    this.random = new SplittableRandom(options.seed());
  }

  /**
   * The next token.
   *
   * @param logits one a token, all of them finite; changed
   * @param seen tokens that the repeat penalty applies to
   */
  int next(float[] logits, BitSet seen) {
    if (options.repeatPenalty() != 1) {
      float penalty = (float) options.repeatPenalty();
      for (int token = seen.nextSetBit(0); token >= 0; token = seen.nextSetBit(token + 1)) {
        logits[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
      }
    }
    if (options.temperature() == 0) {
      return likeliest(logits);
    }
    long[] ranked = ranked(logits);
    float likeliest = logits[token(ranked, 0)];
    int kept = options.topK() > 0 ? Math.min(options.topK(), ranked.length) : ranked.length;
    double[] weight = new double[kept];
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      weight[i] = Math.exp((logits[token(ranked, i)] - likeliest) / options.temperature());
      sum += weight[i];
    }
    int last = cut(weight, kept, sum);
    double total = Arrays.stream(weight, 0, last).sum();
    double draw = random.nextDouble() * total;
    for (int i = 0; i < last; i++) {
      draw -= weight[i];
      if (draw < 0) {
        return token(ranked, i);
      }
    }
    return token(ranked, last - 1);
  }

  /** Logits in ascending order, as numbers whose upper half is in the order of floats; of equal ones the last token first. */
  private static long[] ranked(float[] logits) {
    long[] ranked = new long[logits.length];
    for (int token = 0; token < logits.length; token++) {
      int bits = Float.floatToRawIntBits(logits[token]);
      ranked[token] = (long) (bits ^ bits >> 31 & Integer.MAX_VALUE) << Integer.SIZE | ~token & 0xffffffffL;
    }
    Arrays.sort(ranked);
    return ranked;
  }

  /** The token before which {@code rank} are likelier. */
  private static int token(long[] ranked, int rank) {
    return ~(int) ranked[ranked.length - 1 - rank];
  }

  /** How many of the likeliest tokens top-p and min-p keep, at least one. */
  private int cut(double[] weight, int kept, double sum) {
    double reached = 0;
    for (int i = 0; i < kept; i++) {
      if (weight[i] < options.minP() * weight[0]) {
        return Math.max(1, i);
      }
      reached += weight[i];
      if (reached >= options.topP() * sum) {
        return i + 1;
      }
    }
    return kept;
  }

  private static int likeliest(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }
}
