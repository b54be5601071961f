package org.spikellm.model;

import java.util.function.IntConsumer;
import org.spikellm.api.BlockShape;
import org.spikellm.api.Calibration;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/** What the linear layers of a block read of the calibration samples, for pipelines that quantize one after another (method.md §5). */
public final class BlockInputs {

  private final PreparedBlock block;
  private final Calibration calibration;
  private final Workspace workspace;
  private final KeyValues cache;
  private final Tensor sample;

  /**
   * Of a block, whose linear layers may be replaced between two calls of {@link #observe}.
   *
   * @param calibration the samples as they reach the block
   */
  public BlockInputs(PreparedBlock block, Calibration calibration) {
    this.block = block;
    this.calibration = calibration;
    BlockShape shape = block.shape();
    workspace = new Workspace(shape, calibration.sequence());
    cache = block.cache(calibration.sequence());
    sample = Tensor.allocate(DType.F32, calibration.sequence(), shape.hidden());
  }

  /** Sees an input. */
  @FunctionalInterface
  public interface Reader {

    /** @param x F32 [tokens, channels], valid during the call */
    void read(Tensor x);
  }

  /**
   * Runs every sample as far as the projections of {@code source} read it.
   *
   * @param reader is shown their input
   * @param progress is told of the samples done
   */
  public void observe(Projection.Source source, Reader reader, IntConsumer progress) {
    workspace.forgetTrains();
    BlockObserver observer = new BlockObserver() {
      @Override
      public boolean stopsAt(Projection.Source reached) {
        return reached == source;
      }

      @Override
      public void input(Projection.Source reached, Tensor x) {
        if (reached == source) {
          reader.read(x);
        }
      }

      @Override
      public void attention(Tensor queries, Tensor keys, Tensor out) {}
    };
    for (int i = 0; i < calibration.samples(); i++) {
      sample.segment().copyFrom(calibration.input(i).segment());
      block.forward(sample, cache, 0, calibration.rope(), workspace, observer, LinearObserver.NONE);
      progress.accept(i + 1);
    }
  }
}
