package org.spikellm.model;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/** The residual stream of the calibration samples on its way through the blocks, one sample after another. */
public final class CalibrationStream implements AutoCloseable {

  private final SampleStore store;
  private final int hidden;
  private final int samples;
  private final int sequence;
  private final Tensor rope;
  private final Workspace workspace;
  private final Tensor copy;
  /** The block that ran last on its own, and its cache. */
  private PreparedBlock cached;
  private KeyValues cache;

  /**
   * The embeddings of the samples.
   *
   * @param samples token windows of equal length
   * @param memory bytes that it may hold in memory; a longer stream lies in a temporary file
   * @throws IOException if the stream needs a temporary file and there can be none
   */
  public CalibrationStream(ModelConfig config, Tensor embeddings, List<int[]> samples, long memory) throws IOException {
    BlockShape shape = config.block();
    this.samples = samples.size();
    this.sequence = samples.getFirst().length;
    this.hidden = shape.hidden();
    this.store = new SampleStore(this.samples, sequence, hidden, memory);
    for (int i = 0; i < this.samples; i++) {
      store.read(i).segment().copyFrom(Embedding.of(embeddings, samples.get(i)).segment());
      store.write(i);
    }
    this.rope = config.rope().table(sequence, shape.headDim());
    this.workspace = new Workspace(shape, sequence);
    this.copy = Tensor.allocate(DType.F32, sequence, hidden);
  }

  /** Number of samples. */
  public int samples() {
    return samples;
  }

  /** Tokens a sample. */
  public int sequence() {
    return sequence;
  }

  /** RoPE's table for the positions of a sample, F32 [sequence, headDim]. */
  public Tensor rope() {
    return rope;
  }

  /** A sample as it is now, F32 [sequence, hidden]; valid until another one is asked for, not to be changed. */
  public Tensor sample(int i) {
    return store.read(i);
  }

  /** Bytes of all samples. */
  public long bytes() {
    return (long) samples * sequence * hidden * Float.BYTES;
  }

  /** All samples as they are now, each F32 [sequence, hidden], as copies. */
  public List<Tensor> copies() {
    List<Tensor> copies = new ArrayList<>();
    for (int i = 0; i < samples; i++) {
      Tensor sample = Tensor.allocate(DType.F32, sequence, hidden);
      store.copy(i, sample);
      copies.add(sample);
    }
    return copies;
  }

  /** Replaces all samples by what {@link #copies} gave. */
  public void replace(List<Tensor> copies) {
    for (int i = 0; i < samples; i++) {
      store.read(i).segment().copyFrom(copies.get(i).segment());
      store.write(i);
    }
  }

  /** What the block answers to a sample, F32 [sequence, hidden], valid until the next call of this or {@link #observe}. */
  public Tensor run(PreparedBlock block, int i) {
    if (cached != block) {
      cached = block;
      cache = block.cache(sequence);
    }
    return run(block, i, cache, null);
  }

  private Tensor run(PreparedBlock block, int i, KeyValues cache, BlockObserver observer) {
    store.copy(i, copy);
    block.forward(copy, cache, 0, rope, workspace, observer, LinearObserver.NONE);
    return copy;
  }

  /**
   * Runs the block on all samples without changing the stream.
   *
   * @param observer sees its inputs
   * @param progress is told of the samples done
   */
  public void observe(PreparedBlock block, BlockObserver observer, IntConsumer progress) {
    workspace.forgetTrains();
    KeyValues cache = block.cache(sequence);
    for (int i = 0; i < samples; i++) {
      run(block, i, cache, observer);
      progress.accept(i + 1);
    }
  }

  /**
   * Replaces the stream by the block's outputs.
   *
   * @param observer sees its inputs, or null
   * @param progress is told of the samples done
   */
  public void advance(PreparedBlock block, BlockObserver observer, IntConsumer progress) {
    workspace.forgetTrains();
    KeyValues cache = block.cache(sequence);
    for (int i = 0; i < samples; i++) {
      block.forward(store.read(i), cache, 0, rope, workspace, observer, LinearObserver.NONE);
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
