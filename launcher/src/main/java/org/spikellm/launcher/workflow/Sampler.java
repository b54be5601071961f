package org.spikellm.launcher.workflow;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;

/** Chooses tokens; equal seeds and logits give equal tokens. */
final class Sampler {

  private final SamplingOptions options;
  private final Random random;

  Sampler(SamplingOptions options) {
    this.options = options;
    this.random = new Random(options.seed());
  }

  /**
   * The next token.
   *
   * @param logits one a token; changed
   * @param seen tokens that the repeat penalty applies to
   */
  int next(float[] logits, int[] seen) {
    if (options.repeatPenalty() != 1) {
      for (int token : Arrays.stream(seen).distinct().toArray()) {
        float penalty = (float) options.repeatPenalty();
        logits[token] = logits[token] > 0 ? logits[token] / penalty : logits[token] * penalty;
      }
    }
    if (options.temperature() == 0) {
      return likeliest(logits);
    }
    int[] order = IntStream.range(0, logits.length).boxed().sorted((a, b) -> Float.compare(logits[b], logits[a]))
        .mapToInt(Integer::intValue).toArray();
    int kept = options.topK() > 0 ? Math.min(options.topK(), order.length) : order.length;
    double[] weight = new double[kept];
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      weight[i] = Math.exp((logits[order[i]] - logits[order[0]]) / options.temperature());
      sum += weight[i];
    }
    int last = cut(weight, kept, sum);
    double total = Arrays.stream(weight, 0, last).sum();
    double draw = random.nextDouble() * total;
    for (int i = 0; i < last; i++) {
      draw -= weight[i];
      if (draw < 0) {
        return order[i];
      }
    }
    return order[last - 1];
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
