package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
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
 * @param session where it runs
 * @param decoder the model
 */
public record LoadedModel(Checkpoint checkpoint, CheckpointNeurons neurons, Tokenizer tokenizer, Session session, Decoder decoder)
    implements AutoCloseable {

  /** Opens a model directory and prepares it on a backend. */
  public static LoadedModel open(Path directory, Registry registry, String backend, int threads, SpikeMode mode) throws IOException {
    ComputeBackend found = registry.backend(backend);
    CheckpointNeurons neurons = new CheckpointNeurons(registry, directory);
    Checkpoint checkpoint = Checkpoint.open(directory, neurons);
    Tokenizer tokenizer = null;
    Session session = null;
    try {
      tokenizer = tokenizer(checkpoint);
      session = found.open(threads);
      return new LoadedModel(checkpoint, neurons, tokenizer, session, Decoder.load(checkpoint, session, mode));
    } catch (Throwable e) {
      close(session, tokenizer, checkpoint);
      throw e;
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
    close(session, tokenizer, checkpoint);
  }

  private static void close(Session session, Tokenizer tokenizer, Checkpoint checkpoint) {
    if (session != null) {
      session.close();
    }
    if (tokenizer != null) {
      tokenizer.close();
    }
    checkpoint.close();
  }
}
