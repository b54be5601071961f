package org.spikellm.launcher.tasks;

import java.util.Arrays;
import org.spikellm.api.Tensor;
import org.spikellm.model.Decoder;
import org.spikellm.model.KvCache;
import org.spikellm.model.Perplexity;

/** Log-likelihoods of continuations. What a text shares with the one before, from the first token on, is not computed again. */
final class PrefixScorer {

  private static final int LEAST_CAPACITY = 256;

  private final Decoder decoder;
  private final int limit;
  private KvCache cache;
  /** The tokens whose keys and values are in the cache. */
  private int[] held = {};

  /** @param limit most tokens of a text that the model reads */
  PrefixScorer(Decoder decoder, int limit) {
    this.decoder = decoder;
    this.limit = limit;
  }

  /**
   * A continuation's score.
   *
   * @param logLikelihood Σ log p of its tokens, in nats
   * @param greedy whether each of them is the most likely one
   */
  record Score(double logLikelihood, boolean greedy) {}

  Score score(ScoredText text) {
    int[] tokens = text.tokens();
    int read = text.read();
    int first = read - text.scored();  // the logits after this token are the first that are wanted
    int shared = Math.min(reserve(tokens, read), first);
    cache.truncate(shared);
    double[] sum = new double[1];
    boolean[] greedy = {true};
    decoder.forward(Arrays.copyOfRange(tokens, shared, read), cache, (from, hidden) -> {
      int skipped = Math.clamp(first - shared - from, 0, hidden.rows());
      if (skipped == hidden.rows()) {
        return;
      }
      Tensor logits = decoder.logits(hidden.rows(skipped, hidden.rows()));
      for (int r = 0; r < logits.rows(); r++) {
        int next = tokens[shared + from + skipped + r + 1];
        sum[0] += Perplexity.logLikelihood(logits, r, next);
        greedy[0] &= isLargest(logits, r, next);
      }
    });
    held = Arrays.copyOf(tokens, read);
    return new Score(sum[0], greedy[0]);
  }

  /** Makes room, and counts the tokens at the start that are in the cache already. */
  private int reserve(int[] tokens, int read) {
    if (cache == null || cache.capacity() < read) {
      cache = decoder.newCache(Math.min(limit, Math.max(LEAST_CAPACITY, 2 * read)));
      held = new int[0];
    }
    int different = Arrays.mismatch(held, 0, held.length, tokens, 0, read);
    return different < 0 ? read : different;
  }

  private static boolean isLargest(Tensor logits, int row, int token) {
    float value = logits.getFloat(row, token);
    for (int c = 0; c < logits.columns(); c++) {
      if (logits.getFloat(row, c) > value) {
        return false;
      }
    }
    return true;
  }
}
