package org.spikellm.api;

import java.util.Map;

/**
 * What a plug-in offers. A provider is found as a service ({@code provides} in its module-info), has a public constructor without
 * parameters, and is immutable: {@link #configure} returns another provider.
 */
public sealed interface Provider permits ComputeBackend, NeuronModel, SalienceDetector, QuantizationPipeline {

  /** The name users select it by: lower-case ASCII letters, digits and hyphens, unique within its kind. */
  String id();

  /** Every knob with its default value; a key that is not in here is refused before {@link #configure} is called. */
  default Map<String, String> options() {
    return Map.of();
  }

  /**
   * This provider with other values for some of its {@link #options}.
   *
   * @param options only keys of {@link #options()}
   * @return a provider of the same kind and id
   * @throws IllegalArgumentException if a value cannot be used; the message names key, value and what is expected
   */
  default Provider configure(Map<String, String> options) {
    return this;
  }
}
