package org.spikellm.launcher.workflow;

import java.nio.file.Path;
import org.spikellm.api.QuantizationSpec;

/**
 * What {@code quantize} was asked for.
 *
 * @param pipeline id of the pipeline
 * @param neuron id of the neuron
 * @param detector id of the salience detector
 * @param spec bits, steps, salient fraction, seed
 * @param headBits bits of the head, or 16 to keep the source's type
 * @param calibration a text, or null for the embedded one
 * @param samples calibration windows
 * @param sequence tokens a window; capped at the model's limit
 * @param memory bytes that the calibration streams may hold in memory, beyond which they lie in temporary files
 * @param resume whether to go on from blocks that an earlier run of the same task finished
 */
public record QuantizeOptions(String pipeline, String neuron, String detector, QuantizationSpec spec, int headBits, Path calibration,
    int samples, int sequence, long memory, boolean resume) {}
