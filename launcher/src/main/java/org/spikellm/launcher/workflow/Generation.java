package org.spikellm.launcher.workflow;

import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.text.TokenStream;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.KvCache;

/**
 * A continuation of a prompt.
 *
 * @param text what was generated
 * @param tokens the ids of what was generated
 * @param promptTokens tokens of the prompt that were read, beyond those in the cache before
 * @param promptSeconds time to read them
 * @param seconds time to generate
 */
public record Generation(String text, int[] tokens, int promptTokens, double promptSeconds, double seconds) {

  /** Rate of reading the prompt. */
  public double promptTokensPerSecond() {
    return promptTokens / promptSeconds;
  }

  /** Rate of generating; the first token comes with the prompt, and NaN with it alone. */
  public double tokensPerSecond() {
    return tokens.length < 2 ? Double.NaN : (tokens.length - 1) / seconds;
  }

  /**
   * Continues a prompt.
   *
   * @param prompt ids beyond those in the cache, at least one
   * @param seen all ids so far, for the repeat penalty and the text's decoder; ends with {@code prompt}
   * @param cache has room for at least one token more than the prompt
   * @param sampler with the same options, which goes on from what it drew before
   * @param sink is given the text as it is made
   * @throws UncheckedIOException where the model gives no finite logits
   */
  public static Generation run(LoadedModel model, int[] prompt, int[] seen, KvCache cache, SamplingOptions options, Sampler sampler,
      Consumer<String> sink) {
    BitSet met = new BitSet();
    Arrays.stream(seen).forEach(met::set);
    TokenStream stream = model.tokenizer().stream(seen);
    StopText text = new StopText(options.stops(), sink);
    // The last token that is drawn needs no room in the cache.
    int most = Math.min(options.maxTokens(), cache.capacity() - cache.length() - prompt.length + 1);
    int[] ids = new int[most];
    int length = 0;
    long began = System.nanoTime();
    Tensor logits = model.decoder().nextLogits(prompt, cache);
    long read = System.nanoTime();
    while (true) {
      int token = sampler.next(finite(model, logits), met);
      if (model.tokenizer().eos().contains(token)) {
        break;
      }
      ids[length++] = token;
      met.set(token);
      text.append(stream.accept(token));
      if (text.stopped() || length == most) {
        break;
      }
      logits = model.decoder().nextLogits(new int[] {token}, cache);
    }
    text.append(stream.flush());
    text.end();
    return new Generation(text.toString(), Arrays.copyOf(ids, length), prompt.length, (read - began) / 1e9,
        (System.nanoTime() - read) / 1e9);
  }

  private static float[] finite(LoadedModel model, Tensor logits) {
    float[] values = logits.toFloats();
    for (float value : values) {
      if (!Float.isFinite(value)) {
        throw new UncheckedIOException(new CheckpointException(model.checkpoint().directory() + ": expected finite logits, found "
            + value + "; try another --backend, or make the checkpoint again"));
      }
    }
    return values;
  }
}
