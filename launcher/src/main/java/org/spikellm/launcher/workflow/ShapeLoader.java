package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;
import org.spikellm.model.Decoder;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/** Puts models of a shape, with random weights, on backends. Dense weights, embeddings and head live until this is closed. */
final class ShapeLoader implements AutoCloseable {

  private final ShapeModel model;
  private final int blocks;
  private final NeuronModel neuron;
  private final long seed;
  private final Progress progress;
  private final Arena arena = Arena.ofShared();
  private final Tensor embeddings;
  private final LinearWeight head;

  ShapeLoader(ShapeModel model, int blocks, int headBits, NeuronModel neuron, long seed, Progress progress) {
    this.model = model;
    this.blocks = blocks;
    this.neuron = neuron;
    this.seed = seed;
    this.progress = progress;
    RandomWeights weights = new RandomWeights(BenchFormat.FLOAT, neuron, seed);
    embeddings = weights.dense(model.vocabulary(), model.block().hidden(), arena);
    Tensor dense = weights.dense(model.vocabulary(), model.block().hidden(), arena);
    head = headBits == QuantizationSpec.FLOAT_BITS ? new DenseWeight(dense)
        : AffineQuantizer.quantize(dense, ChannelOrder.identity(dense.columns()), headBits, 0, AffineQuantizer.Clipping.of(1));
  }

  /**
   * The model in one format on each backend. Every block has memory of its own, so that no cache makes it look faster than it is.
   *
   * @throws IOException if the JVM's limit on memory outside the heap is too low
   */
  List<BenchSubject> load(BenchFormat format, List<OpenBackend> backends) throws IOException {
    RandomWeights weights = new RandomWeights(format, neuron, seed + 1);
    backends.forEach(backend -> backend.requireAll(blocks, format.blockBytes(model.block()), TokenWork.bytes(head)));
    List<Loading> loading = backends.stream().map(Loading::new).toList();
    progress.begin("making " + format + " weights", blocks, "blocks");
    try {
      for (int b = 0; b < blocks; b++) {
        addBlock(weights, format, loading);
        if (format.spec().quantizesWeights()) {
          System.gc();   // the codes are repacked, and lie in memory that only the collector gives back
        }
        progress.at(b + 1);
      }
    } catch (OutOfMemoryError e) {
      throw new IOException("--shape " + model.name() + ": " + e.getMessage() + "; allow more with the variable "
          + "SPIKELLM_JAVA_OPTS=-XX:MaxDirectMemorySize=" + (2 + blocks * format.blockBytes(model.block()) / (1 << 30)) + "g", e);
    } finally {
      progress.end();
    }
    return loading.stream().map(l -> l.subject(format)).toList();
  }

  /** In a method of its own, so that no local variable keeps the codes when it returns. */
  private void addBlock(RandomWeights weights, BenchFormat format, List<Loading> loading) {
    Block block = weights.block(model.block(), format.spec().quantizesWeights() ? Arena.ofAuto() : arena);
    loading.forEach(l -> l.add(block));
  }

  @Override
  public void close() {
    arena.close();
  }

  /** A model that is being put on a backend. */
  private final class Loading {

    private final OpenBackend backend;
    private final List<PreparedBlock> prepared = new ArrayList<>();
    private long nanos;
    private long blockBytes;
    private long positionBytes;

    Loading(OpenBackend backend) {
      this.backend = backend;
    }

    void add(Block block) {
      long began = System.nanoTime();
      prepared.add(new PreparedBlock(backend.session(), block, SpikeMode.COLLAPSED));
      nanos += System.nanoTime() - began;
      blockBytes += TokenWork.bytes(block);
      positionBytes += TokenWork.positionBytes(block);
    }

    BenchSubject subject(BenchFormat format) {
      TokenWork work = new TokenWork(model.block(), blocks, (long) model.vocabulary() * model.block().hidden(), blockBytes,
          TokenWork.bytes(head), positionBytes, format.spec().quantizesWeights() && format.spec().encodesActivations());
      return new BenchSubject(backend, format.toString(), work, model.blocks(), nanos / 1e9, decoder(prepared),
          blocks < model.blocks() ? decoder(List.of()) : null);
    }

    private Decoder decoder(List<PreparedBlock> some) {
      ModelConfig config = model.config(some.size());
      return new Decoder(config, backend.session(), embeddings, some, RandomWeights.ones(model.block().hidden()), head);
    }
  }
}
