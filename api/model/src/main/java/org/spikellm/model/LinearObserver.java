package org.spikellm.model;

import org.spikellm.api.Encoding;
import org.spikellm.api.Projection;
import org.spikellm.api.SpikeTrain;

/** Is told of what enters the linear layers of a block, for counting. */
@FunctionalInterface
public interface LinearObserver {

  /** Looks away. */
  LinearObserver NONE = (projection, tokens, train, encoding) -> { };

  /**
   * An input on its way into a linear layer.
   *
   * @param projection the layer
   * @param tokens how many rows it has
   * @param train its spikes, only valid during the call; null where it stays in float
   * @param encoding how they were made, or null
   */
  void input(Projection projection, int tokens, SpikeTrain train, Encoding encoding);
}
