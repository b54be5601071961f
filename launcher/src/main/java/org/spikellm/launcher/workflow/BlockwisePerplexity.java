package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Decoder;
import org.spikellm.model.MappedBlock;
import org.spikellm.model.Perplexity;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/**
 * Perplexity of a model that need not fit in memory: all windows go through one block, then the next. The measure is that of
 * {@link Perplexity}.
 */
public final class BlockwisePerplexity {

  /** Bytes of the windows' hidden states that stay in memory. */
  private static final long STREAM_BYTES = 1L << 30;
  /** Rows whose logits exist at the same time. */
  private static final int LOGIT_ROWS = 64;

  private final Registry registry;
  private final ComputeBackend backend;
  private final int threads;
  private final Progress progress;

  public BlockwisePerplexity(Registry registry, ComputeBackend backend, int threads, Progress progress) {
    this.registry = registry;
    this.backend = backend;
    this.threads = threads;
    this.progress = progress;
  }

  /**
   * Measures a float or packed checkpoint.
   *
   * @param sequence tokens a window; capped at the model's limit and at the text's length
   * @param limit most windows
   */
  public Perplexity measure(Path model, Path text, int sequence, int limit) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model, new CheckpointNeurons(registry, model))) {
      List<int[]> windows = windows(checkpoint, text, sequence, limit);
      int blocks = checkpoint.config().blocks();
      int count = windows.size();
      progress.begin("Perplexity of " + model, (long) blocks * count, "windows");
      try (CalibrationStream stream = new CalibrationStream(checkpoint.config(), checkpoint.embeddings(), windows,
          STREAM_BYTES)) {
        for (int i = 0; i < blocks; i++) {
          long before = (long) i * count;
          advance(checkpoint, i, stream, before);
          System.gc();  // as in BlockwiseRun: the block's native memory
        }
        List<Double> losses = losses(checkpoint, stream, windows);
        progress.end();
        return Perplexity.of(losses, windows.getFirst().length);
      }
    }
  }

  private static List<int[]> windows(Checkpoint checkpoint, Path text, int sequence, int limit) throws IOException {
    try (Tokenizer tokenizer = LoadedModel.tokenizer(checkpoint)) {
      int[] ids = tokenizer.encode(TextFile.read(text), tokenizer.addsBos());
      int window = Math.min(ids.length, Math.min(sequence, checkpoint.config().contextLength()));
      if (window < 2) {
        throw new CheckpointException(text + ": expected at least two tokens, found " + ids.length + "; give a longer text");
      }
      List<int[]> windows = new ArrayList<>();
      for (int from = 0; from + window <= ids.length && windows.size() < limit; from += window) {
        windows.add(Arrays.copyOfRange(ids, from, from + window));
      }
      return windows;
    }
  }

  private void advance(Checkpoint checkpoint, int index, CalibrationStream stream, long before) throws IOException {
    try (MappedBlock mapped = checkpoint.map(index); Session session = backend.open(threads)) {
      PreparedBlock block = new PreparedBlock(session, mapped.block(), SpikeMode.COLLAPSED);
      stream.advance(block, null, done -> progress.at(before + done));
    }
  }

  /** The mean negative log-likelihood of each window's tokens 2..sequence, in nats. */
  private List<Double> losses(Checkpoint checkpoint, CalibrationStream stream, List<int[]> windows) throws IOException {
    try (Session session = backend.open(threads)) {
      Tensor norm = checkpoint.finalNorm();
      Decoder ends = new Decoder(checkpoint.config(), session, checkpoint.embeddings(), List.of(), norm, checkpoint.head());
      List<Double> losses = new ArrayList<>();
      for (int w = 0; w < windows.size(); w++) {
        Tensor hidden = Tensor.allocate(DType.F32, stream.sequence(), checkpoint.config().block().hidden());
        session.rmsNorm(stream.sample(w), norm, checkpoint.config().block().epsilon(), hidden);
        losses.add(loss(ends, hidden, windows.get(w)) / (windows.get(w).length - 1));
      }
      return losses;
    }
  }

  private static double loss(Decoder ends, Tensor hidden, int[] window) {
    double sum = 0;
    for (int from = 0; from < window.length - 1; from += LOGIT_ROWS) {
      int to = Math.min(window.length - 1, from + LOGIT_ROWS);
      Tensor logits = ends.logits(hidden.rows(from, to));
      for (int t = from; t < to; t++) {
        sum -= Perplexity.logLikelihood(logits, t - from, window[t + 1]);
      }
    }
    return sum;
  }
}
