package org.spikellm.model;

import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;

/** How spike trains are made. */
public enum SpikeMode {
  /** Counts at once where the neuron is collapsible: the fast path. */
  COLLAPSED,
  /** Every time step through the neuron, one plane of spikes each. The same integers, for those who want to see the spikes. */
  STEP_BY_STEP;

  Encoding apply(Encoding encoding) {
    return this == STEP_BY_STEP ? encoding.stepByStep() : encoding;
  }

  KeyValueEncoding apply(KeyValueEncoding encoding) {
    return this == STEP_BY_STEP && encoding != null ? encoding.stepByStep() : encoding;
  }
}
