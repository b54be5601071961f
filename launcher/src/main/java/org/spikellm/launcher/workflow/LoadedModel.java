package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Decoder;
import org.spikellm.model.SpikeMode;

/**
 * A checkpoint that is ready to run.
 *
 * @param checkpoint its files
 * @param neurons what there is to say of its neurons
 * @param tokenizer its tokenizer, which fits the vocabulary
 * @param sessions where it runs: all of it on one, or the blocks that a device takes on the first, the others on the second
 * @param decoder the model
 */
public record LoadedModel(Checkpoint checkpoint, CheckpointNeurons neurons, Tokenizer tokenizer, List<Session> sessions,
    Decoder decoder) implements AutoCloseable {

  /**
   * Opens a model directory and prepares it on a backend; blocks that its device does not take run on the fastest other one. The
   * session comes first, as its kernels are compiled in the background; the tokenizer is read while the weights are prepared.
   */
  public static LoadedModel open(Path directory, Registry registry, String backend, int threads, SpikeMode mode)
      throws IOException {
    ComputeBackend device = registry.backend(backend);
    List<Session> sessions = new ArrayList<>(List.of(device.open(threads)));
    Checkpoint checkpoint = null;
    FutureTask<Tokenizer> tokenizer = null;
    try {
      CheckpointNeurons neurons = new CheckpointNeurons(registry, directory);
      Checkpoint opened = checkpoint = Checkpoint.open(directory, neurons);
      tokenizer = new FutureTask<>(() -> tokenizer(opened));
      Thread.ofPlatform().daemon().name("spikellm-tokenizer").start(tokenizer);
      Decoder decoder = Decoder.load(checkpoint, sessions.getFirst(), () -> {
        sessions.add(beside(device, registry).open(threads));
        return sessions.getLast();
      }, mode);
      return new LoadedModel(checkpoint, neurons, await(tokenizer), sessions, decoder);
    } catch (Throwable e) {
      Tokenizer unused = tokenizer == null ? null : orNull(tokenizer);
      close(sessions, unused, checkpoint);
      throw e;
    }
  }

  private static ComputeBackend beside(ComputeBackend device, Registry registry) {
    try {
      return registry.backendBeside(device.id());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Tokenizer await(FutureTask<Tokenizer> tokenizer) throws IOException {
    try {
      return tokenizer.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        default -> throw new IllegalStateException(e.getCause());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while the tokenizer was read");
    }
  }

  /** What was read, to be closed, or null: why the model was not opened has been said. */
  private static Tokenizer orNull(FutureTask<Tokenizer> tokenizer) {
    try {
      return await(tokenizer);
    } catch (IOException | RuntimeException e) {
      return null;
    }
  }

  /** The tokenizer of a checkpoint, which fits its vocabulary. */
  static Tokenizer tokenizer(Checkpoint checkpoint) throws IOException {
    Tokenizer tokenizer = Tokenizer.open(checkpoint.directory());
    try {
      tokenizer.requireFits(checkpoint.config().vocabulary());
      return tokenizer;
    } catch (CheckpointException e) {
      tokenizer.close();
      throw e;
    }
  }

  @Override
  public void close() {
    close(sessions, tokenizer, checkpoint);
  }

  private static void close(List<Session> sessions, Tokenizer tokenizer, Checkpoint checkpoint) {
    sessions.reversed().forEach(Session::close);
    if (tokenizer != null) {
      tokenizer.close();
    }
    if (checkpoint != null) {
      checkpoint.close();
    }
  }
}
