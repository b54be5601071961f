package org.spikellm.model;

import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;

/** Is told of the spikes that enter linear layers, for counting them. */
@FunctionalInterface
public interface SpikeObserver {

  /** Looks away. */
  SpikeObserver NONE = (train, encoding, rows) -> { };

  /**
   * Spikes on their way into a linear layer.
   *
   * @param train only valid during the call
   * @param encoding how it was made
   * @param rows output channels of the layer, each of which accumulates every spike
   */
  void spikes(SpikeTrain train, Encoding encoding, int rows);
}
