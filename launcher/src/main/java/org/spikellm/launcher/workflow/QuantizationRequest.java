package org.spikellm.launcher.workflow;

import java.util.List;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;

/**
 * Everything that determines a quantization's result, besides the source.
 *
 * @param spec bits, steps, salient fraction
 * @param pipeline quantizes a block
 * @param neuron encodes activations
 * @param detector scores channels
 * @param calibration token windows of equal length
 */
public record QuantizationRequest(QuantizationSpec spec, QuantizationPipeline pipeline, NeuronModel neuron,
    SalienceDetector detector, List<int[]> calibration) {}
