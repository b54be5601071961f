package org.spikellm.model;

import java.util.List;
import java.util.function.IntConsumer;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/** The residual stream of the calibration samples on its way through the blocks, one sample after another. */
public final class CalibrationStream {

  private final Tensor hidden;
  private final int samples;
  private final int sequence;
  private final Tensor rope;
  private final Workspace workspace;

  /**
   * The embeddings of the samples.
   *
   * @param samples token windows of equal length
   */
  public CalibrationStream(ModelConfig config, Tensor embeddings, List<int[]> samples) {
    BlockShape shape = config.block();
    this.samples = samples.size();
    this.sequence = samples.getFirst().length;
    this.hidden = Tensor.allocate(DType.F32, Math.multiplyExact(this.samples, sequence), shape.hidden());
    for (int i = 0; i < this.samples; i++) {
      sample(i).segment().copyFrom(Embedding.of(embeddings, samples.get(i)).segment());
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

  /** The residual stream of sample {@code i}, F32 [sequence, hidden]; a view. */
  public Tensor sample(int i) {
    return hidden.rows(i * sequence, (i + 1) * sequence);
  }

  /**
   * Runs the block on all samples without changing the stream.
   *
   * @param observer sees its inputs
   * @param progress is told of the samples done
   */
  public void observe(PreparedBlock block, BlockObserver observer, IntConsumer progress) {
    Tensor x = Tensor.allocate(DType.F32, sequence, hidden.columns());
    KeyValues cache = block.cache(sequence);
    for (int i = 0; i < samples; i++) {
      x.segment().copyFrom(sample(i).segment());
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
      block.forward(sample(i), cache, 0, rope, workspace, null, SpikeObserver.NONE);
      progress.accept(i + 1);
    }
  }
}
