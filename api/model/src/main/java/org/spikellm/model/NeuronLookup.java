package org.spikellm.model;

import java.util.Map;
import org.spikellm.api.NeuronModel;

/** Finds the neuron that a packed checkpoint names. */
@FunctionalInterface
public interface NeuronLookup {

  /**
   * The neuron of that id with those options.
   *
   * @throws CheckpointException if there is none; the message lists the known ones
   */
  NeuronModel find(String id, Map<String, String> options) throws CheckpointException;
}
