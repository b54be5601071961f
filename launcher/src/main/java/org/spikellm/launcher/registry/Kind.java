package org.spikellm.launcher.registry;

import java.util.Locale;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;

/** The kinds of provider. */
public enum Kind {
  BACKEND(ComputeBackend.class),
  NEURON(NeuronModel.class),
  DETECTOR(SalienceDetector.class),
  PIPELINE(QuantizationPipeline.class);

  private final Class<? extends Provider> type;

  Kind(Class<? extends Provider> type) {
    this.type = type;
  }

  /** The service interface. */
  public Class<? extends Provider> type() {
    return type;
  }

  /** Its name in messages. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  static Kind of(Class<? extends Provider> type) {
    for (Kind kind : values()) {
      if (kind.type == type) {
        return kind;
      }
    }
    throw new IllegalArgumentException(type + " is no kind of provider");
  }
}
