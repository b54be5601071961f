package org.spikellm.neurons;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/**
 * The integrate-and-fire neuron with soft reset (method.md §1): fires 0 or 1. What GIF fires in one step of L levels, it
 * fires in L steps.
 */
public final class IntegrateFire implements NeuronModel {

  @Override
  public String id() {
    return "if";
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, 1, 0, 1, timeSteps * ((1 << bits) - 1));
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
