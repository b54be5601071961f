package org.spikellm.launcher.tasks;

import java.util.List;

/**
 * What a model makes of an item.
 *
 * @param options of the item's, in its order
 */
public record ItemScore(TaskItem item, List<OptionScore> options) {

  /**
   * What a model makes of one option.
   *
   * @param logLikelihood Σ log p of the continuation's tokens, in nats
   * @param greedy whether each of them is the most likely one
   * @param tokens how many of them there are
   * @param bytes by which the log-likelihood is normalised
   * @param truncated whether the context was cut at the front to fit the model
   * @param straddles whether a token holds the end of the context and the start of the continuation
   */
  public record OptionScore(double logLikelihood, boolean greedy, int tokens, int bytes, boolean truncated, boolean straddles) {}

  /** The option with the largest log-likelihood, the first of equal ones. */
  public int choice() {
    return best(false);
  }

  /** That with the largest log-likelihood a byte. */
  public int choiceNorm() {
    return best(true);
  }

  private int best(boolean normalised) {
    int best = 0;
    for (int i = 1; i < options.size(); i++) {
      if (value(i, normalised) > value(best, normalised)) {
        best = i;
      }
    }
    return best;
  }

  private double value(int option, boolean normalised) {
    OptionScore score = options.get(option);
    return normalised ? score.logLikelihood() / score.bytes() : score.logLikelihood();
  }

  /** Whether the choice is right; of a text to complete, whether the model completes it so. */
  public boolean isCorrect() {
    return item.isCompletion() ? options.getFirst().greedy() : choice() == item.gold();
  }

  /** The same by log-likelihood a byte. */
  public boolean isCorrectNorm() {
    return item.isCompletion() ? isCorrect() : choiceNorm() == item.gold();
  }
}
