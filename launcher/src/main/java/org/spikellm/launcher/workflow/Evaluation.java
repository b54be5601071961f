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
   * Perplexity of a model on each text, by file name as given.
   *
   * @param sequence tokens a window; capped at the model's limit
   * @param limit most windows of each text
   */
  public static Map<String, Perplexity> perplexity(LoadedModel model, List<Path> texts, int sequence, int limit, Progress progress)
      throws IOException {
    int window = Math.min(sequence, model.decoder().config().contextLength());
    Map<String, Perplexity> results = new LinkedHashMap<>();
    for (Path text : texts) {
      results.put(text.toString(), perplexity(model, TextFile.read(text), text.toString(), window, limit, progress));
    }
    return results;
  }

  /** Perplexity of a model on one text, with windows of at most {@code sequence} tokens. */
  static Perplexity perplexity(LoadedModel model, String text, String name, int sequence, int limit, Progress progress)
      throws CheckpointException {
    int[] ids = model.tokenizer().encode(text, model.tokenizer().addsBos());
    int windows = Math.min(limit, ids.length / sequence);
    if (windows < 1) {
      throw new CheckpointException(name + ": expected at least one window of " + sequence + " tokens, found " + ids.length
          + " tokens; give a longer text or a smaller --sequence");
    }
    progress.begin("Perplexity of " + name, (long) windows * sequence, "tokens");
    Perplexity result = Perplexity.measure(model.decoder(), ids, sequence, limit, progress::at);
    progress.end();
    return result;
  }
}
