package org.spikellm.model;

import java.io.IOException;
import java.util.List;
import java.util.function.IntConsumer;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/** The residual stream of the calibration samples on its way through the blocks, one sample after another. */
public final class CalibrationStream implements AutoCloseable {

  /** Bytes of stream that are held in memory; a longer one goes to a temporary file. */
  private static final long MEMORY_LIMIT = 1L << 30;

  private final SampleStore store;
  private final int hidden;
  private final int samples;
  private final int sequence;
  private final Tensor rope;
  private final Workspace workspace;

  /**
   * The embeddings of the samples.
   *
   * @param samples token windows of equal length
   * @throws IOException if the stream needs a temporary file and there can be none
   */
  public CalibrationStream(ModelConfig config, Tensor embeddings, List<int[]> samples) throws IOException {
    BlockShape shape = config.block();
    this.samples = samples.size();
    this.sequence = samples.getFirst().length;
    this.hidden = shape.hidden();
    this.store = new SampleStore(this.samples, sequence, hidden, MEMORY_LIMIT);
    for (int i = 0; i < this.samples; i++) {
      store.read(i).segment().copyFrom(Embedding.of(embeddings, samples.get(i)).segment());
      store.write(i);
    }
    this.rope = config.rope().table(sequence, shape.headDim());
    this.workspace = new Workspace(shape, sequence);
  }

  /** Number of samples. */
  public int samples() {
    return samples;
  }

  /** Tokens a sample. */
  public int sequence() {
    return sequence;
  }

  /**
   * Runs the block on all samples without changing the stream.
   *
   * @param observer sees its inputs
   * @param progress is told of the samples done
   */
  public void observe(PreparedBlock block, BlockObserver observer, IntConsumer progress) {
    Tensor x = Tensor.allocate(DType.F32, sequence, hidden);
    KeyValues cache = block.cache(sequence);
    for (int i = 0; i < samples; i++) {
      x.segment().copyFrom(store.read(i).segment());
      block.forward(x, cache, 0, rope, workspace, observer, SpikeObserver.NONE);
      progress.accept(i + 1);
    }
  }

  /**
   * Replaces the stream by the block's outputs.
   *
   * @param progress is told of the samples done
   */
  public void advance(PreparedBlock block, IntConsumer progress) {
    KeyValues cache = block.cache(sequence);
    for (int i = 0; i < samples; i++) {
      block.forward(store.read(i), cache, 0, rope, workspace, null, SpikeObserver.NONE);
      store.write(i);
      progress.accept(i + 1);
    }
  }

  /** Gives the memory and the temporary file back. */
  @Override
  public void close() {
    store.close();
  }
}
