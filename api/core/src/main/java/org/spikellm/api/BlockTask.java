package org.spikellm.api;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * A float block to quantize, with what was measured of it on the calibration set.
 *
 * @param index which block of the model, from 0
 * @param block weights dense, nothing encoded
 * @param spec what the user asked for
 * @param neuron the neuron that was chosen; it encodes activations where they are encoded, and may fire the weights
 * @param inputs statistics of the input of each projection
 * @param encodings how each projection's input is to be encoded; without an entry where activations stay in float
 * @param keyValues how queries, keys and values are to be encoded, or null
 * @param calibration the samples, or null where the pipeline does not go through them
 * @param listener is told how training goes
 */
public record BlockTask(int index, Block block, QuantizationSpec spec, NeuronModel neuron,
    Map<Projection, InputStatistics> inputs, Map<Projection, Encoding> encodings, KeyValueEncoding keyValues, Calibration calibration, TrainingListener listener) {

  public BlockTask {
    inputs = Collections.unmodifiableMap(new EnumMap<>(inputs));
    EnumMap<Projection, Encoding> copy = new EnumMap<>(Projection.class);
    copy.putAll(encodings);
    encodings = Collections.unmodifiableMap(copy);
  }
}
