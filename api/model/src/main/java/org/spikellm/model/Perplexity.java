package org.spikellm.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import org.spikellm.api.Tensor;

/**
 * Perplexity of a text (method.md §6).
 *
 * @param value exp of the mean over windows of each window's mean negative log-likelihood, in nats, of its tokens 2..sequence
 * @param losses that mean of each window
 * @param tokens tokens that were read
 * @param windows windows that were read
 * @param sequence tokens a window
 */
public record Perplexity(double value, List<Double> losses, long tokens, int windows, int sequence) {

  /**
   * Measures windows that do not overlap, each from an empty cache.
   *
   * @param ids the whole text's tokens
   * @param sequence tokens a window, at least 2
   * @param limit most windows, at least 1
   * @param progress is told of the tokens done
   * @throws IllegalArgumentException if the text is shorter than one window
   */
  public static Perplexity measure(Decoder decoder, int[] ids, int sequence, int limit, LongConsumer progress) {
    int windows = Math.min(limit, ids.length / sequence);
    if (windows < 1 || sequence < 2) {
      throw new IllegalArgumentException("perplexity: expected a text of at least one window of " + sequence + " tokens, found "
          + ids.length + " tokens");
    }
    List<Double> losses = new ArrayList<>();
    KvCache cache = decoder.newCache(sequence);
    for (int w = 0; w < windows; w++) {
      int[] window = Arrays.copyOfRange(ids, w * sequence, (w + 1) * sequence);
      cache.truncate(0);
      double[] loss = new double[1];
      decoder.forward(window, cache, (first, hidden) -> {
        Tensor logits = decoder.logits(hidden);
        for (int t = 0; t < logits.rows() && first + t + 1 < sequence; t++) {
          loss[0] -= logLikelihood(logits, t, window[first + t + 1]);
        }
      });
      losses.add(loss[0] / (sequence - 1));
      progress.accept((w + 1L) * sequence);
    }
    return of(losses, sequence);
  }

  /** Of windows of {@code sequence} tokens, each with its mean negative log-likelihood in nats. */
  public static Perplexity of(List<Double> losses, int sequence) {
    double sum = 0;
    for (double loss : losses) {
      sum += loss;
    }
    return new Perplexity(Math.exp(sum / losses.size()), List.copyOf(losses), (long) losses.size() * sequence, losses.size(), sequence);
  }

  /** The natural logarithm of the probability of {@code token} after row {@code row} of {@code logits}. */
  public static double logLikelihood(Tensor logits, int row, int token) {
    float[] values = new float[logits.columns()];
    logits.readRow(row, values);
    float max = Float.NEGATIVE_INFINITY;
    for (float value : values) {
      max = Math.max(max, value);
    }
    double sum = 0;
    for (float value : values) {
      sum += Math.exp(value - max);
    }
    return values[token] - max - Math.log(sum);
  }
}
