package org.spikellm.launcher.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.spikellm.api.ComputeBackend;
import org.spikellm.launcher.registry.ProviderFailure;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.BlockwisePerplexity;
import org.spikellm.launcher.workflow.Home;
import org.spikellm.launcher.workflow.Progress;
import org.spikellm.model.Perplexity;

/**
 * Perplexity before and after, on the same windows of one text.
 *
 * @param text names the text
 * @param before of the float source; null where it could not be measured
 * @param after of the packed result; null as well
 * @param failure why it could not be measured, or null
 */
public record Comparison(String text, Perplexity before, Perplexity after, String failure) {

  /** Tokens a window. */
  private static final int SEQUENCE = 256;
  /** Most windows: 4096 tokens, a small part of the calibration's work on any model. */
  private static final int WINDOWS = 16;

  /**
   * Measures both. What goes wrong is said in the result, since the quantization it belongs to is done.
   *
   * @param text a text, or null for the embedded one
   */
  public static Comparison measure(Path source, Path out, Path text, Registry registry, ComputeBackend backend, int threads,
      Progress progress) {
    String name = text == null ? "the embedded evaluation text" : text.toString();
    try {
      Path file = text == null ? Home.evaluationText() : text;
      BlockwisePerplexity perplexity = new BlockwisePerplexity(registry, backend, threads, progress);
      return new Comparison(name, perplexity.measure(source, file, SEQUENCE, WINDOWS),
          perplexity.measure(out, file, SEQUENCE, WINDOWS), null);
    } catch (IOException | UncheckedIOException | ProviderFailure e) {
      Throwable said = e instanceof UncheckedIOException ? e.getCause() : e;
      progress.end();
      return new Comparison(name, null, null, said.getMessage() == null ? said.toString() : said.getMessage());
    }
  }
}
