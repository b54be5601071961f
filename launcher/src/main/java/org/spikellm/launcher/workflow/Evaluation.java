package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Perplexity;

/** Measures models on texts. */
public final class Evaluation {

  private Evaluation() {}

  /**
   * The tokens of each text, by file name as given.
   *
   * @throws IOException if a file is not a text
   */
  public static Map<String, int[]> tokens(LoadedModel model, List<Path> texts) throws IOException {
    Map<String, int[]> tokens = new LinkedHashMap<>();
    for (Path text : texts) {
      tokens.put(text.toString(), model.tokenizer().encode(TextFile.read(text), model.tokenizer().addsBos()));
    }
    return tokens;
  }

  /**
   * Perplexity of a model on each text.
   *
   * @param texts their tokens, by name
   * @param sequence tokens a window; capped at the model's limit
   * @param limit most windows of each text
   */
  public static Map<String, Perplexity> perplexity(LoadedModel model, Map<String, int[]> texts, int sequence, int limit,
      Progress progress) throws IOException {
    int window = Math.min(sequence, model.decoder().config().contextLength());
    Map<String, Perplexity> results = new LinkedHashMap<>();
    for (Map.Entry<String, int[]> text : texts.entrySet()) {
      results.put(text.getKey(), perplexity(model, text.getValue(), text.getKey(), window, limit, progress));
    }
    return results;
  }

  /** Perplexity of a model on one text, with windows of at most {@code sequence} tokens. */
  static Perplexity perplexity(LoadedModel model, String text, String name, int sequence, int limit, Progress progress)
      throws CheckpointException {
    return perplexity(model, model.tokenizer().encode(text, model.tokenizer().addsBos()), name, sequence, limit, progress);
  }

  private static Perplexity perplexity(LoadedModel model, int[] ids, String name, int sequence, int limit, Progress progress)
      throws CheckpointException {
    int windows = Math.min(limit, ids.length / sequence);
    if (windows < 1) {
      throw new CheckpointException(name + ": expected at least one window of " + sequence + " tokens, found " + ids.length
          + " tokens; give a longer text or smaller windows (--sequence)");
    }
    progress.begin("Perplexity of " + name, (long) windows * sequence, "tokens");
    Perplexity result = Perplexity.measure(model.decoder(), ids, sequence, limit, progress::at);
    progress.end();
    for (double loss : result.losses()) {
      if (!Double.isFinite(loss)) {
        throw new CheckpointException(model.checkpoint().directory() + ": on " + name + ": expected a finite log-likelihood, found "
            + -loss + "; try another --backend, or make the checkpoint again");
      }
    }
    return result;
  }
}
