package org.spikellm.launcher.workflow;

import java.util.List;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;

/**
 * What to make of a source, and how much memory to take for it.
 *
 * @param spec bits, steps, salient fraction
 * @param pipeline quantizes a block
 * @param neuron encodes activations
 * @param detector scores channels
 * @param calibration token windows of equal length
 * @param memory bytes that the calibration streams may hold in memory; does not change the result
 * @param shared with other quantizations of the same source on the same windows, or null
 */
public record QuantizationRequest(QuantizationSpec spec, QuantizationPipeline pipeline, NeuronModel neuron,
    SalienceDetector detector, List<int[]> calibration, long memory, SharedCalibration shared) {

  /** One that shares nothing. */
  public QuantizationRequest(QuantizationSpec spec, QuantizationPipeline pipeline, NeuronModel neuron, SalienceDetector detector,
      List<int[]> calibration, long memory) {
    this(spec, pipeline, neuron, detector, calibration, memory, null);
  }
}
