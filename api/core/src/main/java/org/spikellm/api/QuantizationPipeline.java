package org.spikellm.api;

/** Turns one float decoder block into a quantized one. The contract is {@code org.spikellm.tck.QuantizationPipelineContract}. */
public non-sealed interface QuantizationPipeline extends Provider {

  /**
   * Quantizes a block; equal tasks give equal bytes, whatever the session's number of threads.
   *
   * @param task the float block and what was measured of it; not changed
   * @param session computes
   */
  QuantizedBlock quantize(BlockTask task, Session session);

  /** How often {@link #quantize} goes through the task's {@link Calibration}; 0 where it does not: then the task has none. */
  default int calibrationPasses() {
    return 0;
  }

  /**
   * Whether it asks the {@link Calibration} for {@link Calibration#target} or {@link Calibration#absMax}, for which a second, float stream
   * is kept.
   */
  default boolean needsFloatStream() {
    return calibrationPasses() > 0;
  }

  /** What is quantized how where the user does not say: for example, whether activations are encoded. */
  default QuantizationSpec defaults(NeuronModel neuron) {
    return QuantizationSpec.DEFAULT;
  }

  /**
   * Refuses what it cannot make, before any work is done.
   *
   * @param neuron the neuron that was chosen
   * @throws IllegalArgumentException what was expected and what was asked for
   */
  default void check(QuantizationSpec spec, NeuronModel neuron) {}
}
