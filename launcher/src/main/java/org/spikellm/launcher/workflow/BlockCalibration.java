package org.spikellm.launcher.workflow;

import org.spikellm.api.Calibration;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.InputRanges;
import org.spikellm.model.PreparedBlock;

/**
 * What a pipeline that goes through the samples reads of the two streams.
 *
 * @param quantized the quantized stream at the block's input
 * @param floating the float stream at the block's output, or null where the pipeline does not need it
 * @param block the float block
 * @param ranges of what the float block read in the float stream, or null
 */
record BlockCalibration(CalibrationStream quantized, CalibrationStream floating, PreparedBlock block, InputRanges ranges)
    implements Calibration {

  @Override
  public int samples() {
    return quantized.samples();
  }

  @Override
  public int sequence() {
    return quantized.sequence();
  }

  @Override
  public Tensor input(int sample) {
    return quantized.sample(sample);
  }

  @Override
  public Tensor target(int sample) {
    return needed(floating, "target").sample(sample);
  }

  @Override
  public Tensor answer(int sample) {
    return quantized.run(block, sample);
  }

  @Override
  public float[] absMax(Projection.Source source) {
    return needed(ranges, "absMax").absMax(source);
  }

  private static <T> T needed(T part, String asked) {
    if (part == null) {
      throw new IllegalStateException("calibration: a pipeline that asks for '" + asked + "' says so with needsFloatStream");
    }
    return part;
  }

  @Override
  public Tensor rope() {
    return quantized.rope();
  }
}
