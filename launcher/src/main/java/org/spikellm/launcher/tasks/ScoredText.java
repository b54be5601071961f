package org.spikellm.launcher.tasks;

import java.util.Arrays;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.CheckpointException;

/**
 * A context and its continuation in tokens.
 *
 * @param tokens both, at most one more than the model's limit, since the last one is not read
 * @param scored how many of them, at the end, are the continuation's
 * @param truncated whether tokens were left out at the front
 * @param straddles whether the context's tokens, alone, are not those that it begins with when the continuation follows
 */
record ScoredText(int[] tokens, int scored, boolean truncated, boolean straddles) {

  /**
   * Encodes a pair. White space that ends the context goes to the continuation, whose tokens are those of the whole text after
   * as many as the context has alone. Where that leaves none, they are those from the first on in which the two differ.
   *
   * @param opens whether texts begin with the tokenizer's begin token
   * @param limit most tokens that the model reads
   * @throws CheckpointException if the context is empty and there is no token to begin with
   */
  static ScoredText of(Tokenizer tokenizer, boolean opens, String context, String continuation, int limit)
      throws CheckpointException {
    int end = Blanks.end(context);
    String kept = context.substring(0, end);
    String moved = context.substring(end) + continuation;
    if (kept.isEmpty()) {
      return of(new int[] {first(tokenizer)}, tokenizer.encode(moved, false), false, limit);
    }
    int[] alone = tokenizer.encode(kept, opens);
    int[] whole = tokenizer.encode(kept + moved, opens);
    int same = Arrays.mismatch(alone, whole);
    int common = same < 0 ? alone.length : same;
    if (whole.length > alone.length) {
      return of(alone, Arrays.copyOfRange(whole, alone.length, whole.length), common < alone.length, limit);
    }
    int split = Math.min(common, whole.length - 1);
    int[] before = split > 0 ? Arrays.copyOf(whole, split) : new int[] {first(tokenizer)};
    return of(before, Arrays.copyOfRange(whole, split, whole.length), true, limit);
  }

  private static ScoredText of(int[] context, int[] continuation, boolean straddles, int limit) throws CheckpointException {
    if (continuation.length == 0) {
      throw new CheckpointException("expected text to score, found none in context and answer");
    }
    int[] all = Arrays.copyOf(context, context.length + continuation.length);
    System.arraycopy(continuation, 0, all, context.length, continuation.length);
    int left = Math.max(0, all.length - (limit + 1));
    return new ScoredText(Arrays.copyOfRange(all, left, all.length), Math.min(continuation.length, limit), left > 0, straddles);
  }

  /** What stands before a text that nothing precedes. */
  private static int first(Tokenizer tokenizer) throws CheckpointException {
    if (tokenizer.bos().isPresent()) {
      return tokenizer.bos().getAsInt();
    }
    return tokenizer.eos().stream().min(Integer::compare).orElseThrow(() -> new CheckpointException(
        "expected a context, or a tokenizer that names a token to begin or end a text, found neither"));
  }

  /** How many tokens the model reads. */
  int read() {
    return tokens.length - 1;
  }
}
