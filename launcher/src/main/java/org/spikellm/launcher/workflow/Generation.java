package org.spikellm.launcher.workflow;

import java.util.Arrays;
import java.util.function.Consumer;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.text.TokenStream;
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

  /** Rate of generating; the first token comes with the prompt. */
  public double tokensPerSecond() {
    return tokens.length < 2 ? 0 : (tokens.length - 1) / seconds;
  }

  /**
   * Continues a prompt.
   *
   * @param prompt ids beyond those in the cache, at least one
   * @param seen all ids so far, for the repeat penalty and the text's decoder; ends with {@code prompt}
   * @param cache has room for at least one token more than the prompt
   * @param sink is given the text as it is made
   */
  public static Generation run(LoadedModel model, int[] prompt, int[] seen, KvCache cache, SamplingOptions options,
      Consumer<String> sink) {
    Sampler sampler = new Sampler(options);
    TokenStream stream = model.tokenizer().stream(seen);
    StopText text = new StopText(options.stops(), sink);
    // The last token that is drawn needs no room in the cache.
    int most = Math.min(options.maxTokens(), cache.capacity() - cache.length() - prompt.length + 1);
    int[] ids = Arrays.copyOf(seen, seen.length + most);
    int length = seen.length;
    long began = System.nanoTime();
    Tensor logits = model.decoder().nextLogits(prompt, cache);
    long read = System.nanoTime();
    while (true) {
      int token = sampler.next(logits.toFloats(), Arrays.copyOf(ids, length));
      if (model.tokenizer().eos().contains(token)) {
        break;
      }
      ids[length++] = token;
      text.append(stream.accept(token));
      if (text.stopped() || length - seen.length == most) {
        break;
      }
      logits = model.decoder().nextLogits(new int[] {token}, cache);
    }
    text.append(stream.flush());
    text.end();
    return new Generation(text.toString(), Arrays.copyOfRange(ids, seen.length, length), prompt.length, (read - began) / 1e9,
        (System.nanoTime() - read) / 1e9);
  }
}
