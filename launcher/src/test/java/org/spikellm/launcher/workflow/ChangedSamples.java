package org.spikellm.launcher.workflow;

import java.util.function.BiFunction;
import org.spikellm.api.BlockTask;
import org.spikellm.api.Calibration;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * Calibration samples of which something was changed.
 *
 * @param exact the samples
 * @param input from what a block reads, and the sample, to what it is to read
 * @param target likewise of what it should answer
 */
record ChangedSamples(Calibration exact, BiFunction<Tensor, Integer, Tensor> input, BiFunction<Tensor, Integer, Tensor> target)
    implements Calibration {

  /** The pipeline on changed samples. */
  static QuantizationPipeline pipeline(QuantizationPipeline pipeline, BiFunction<Tensor, Integer, Tensor> input,
      BiFunction<Tensor, Integer, Tensor> target) {
    return new QuantizationPipeline() {
      @Override
      public String id() {
        return pipeline.id();
      }

      @Override
      public int calibrationPasses() {
        return pipeline.calibrationPasses();
      }

      @Override
      public QuantizedBlock quantize(BlockTask task, Session session) {
        return pipeline.quantize(new BlockTask(task.index(), task.block(), task.spec(), task.neuron(), task.inputs(), task.encodings(),
            task.keyValues(), new ChangedSamples(task.calibration(), input, target), task.listener()), session);
      }
    };
  }

  @Override
  public int samples() {
    return exact.samples();
  }

  @Override
  public int sequence() {
    return exact.sequence();
  }

  @Override
  public Tensor input(int sample) {
    return input.apply(exact.input(sample), sample);
  }

  @Override
  public Tensor target(int sample) {
    return target.apply(exact.target(sample), sample);
  }

  @Override
  public Tensor answer(int sample) {
    return exact.answer(sample);
  }

  @Override
  public float[] absMax(Projection.Source source) {
    return exact.absMax(source);
  }

  @Override
  public Tensor rope() {
    return exact.rope();
  }
}
