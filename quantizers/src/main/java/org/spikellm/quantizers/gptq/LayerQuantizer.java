package org.spikellm.quantizers.gptq;

import org.spikellm.api.Encoding;
import org.spikellm.api.LinearWeight;

/** Turns the weight of one linear layer into codes, with GPTQ's error feedback. */
public interface LayerQuantizer {

  /**
   * A quantized layer.
   *
   * @param weight its weight
   * @param input how its input is encoded, in the weight's channel order, or null
   */
  record Result(LinearWeight weight, Encoding input) {}

  /** Quantizes a layer. */
  Result quantize(Layer layer);

  /** Whether columns whose inputs are of one class have to be quantized one after another. */
  default boolean byInputClass() {
    return false;
  }
}
