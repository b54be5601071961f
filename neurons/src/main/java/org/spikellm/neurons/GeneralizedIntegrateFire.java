package org.spikellm.neurons;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** The generalized integrate-and-fire neuron (SpikeLLM §4.1, method.md §1): a step fires a level 0..2^bits − 1. */
public final class GeneralizedIntegrateFire implements NeuronModel {

  @Override
  public String id() {
    return "gif";
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
  }

  @Override
  public boolean collapsible() {
    return true;
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    SoftReset.step(input, potential, dynamics, spikes);
  }
}
