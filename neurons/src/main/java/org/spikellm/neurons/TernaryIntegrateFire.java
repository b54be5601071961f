package org.spikellm.neurons;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/**
 * The bidirectional GIF neuron (method.md §1): a step fires −L..L by the sign of the potential, with L = 2^(bits − 1) − 1. Two bits
 * make it ternary: −1, 0, +1.
 */
public final class TernaryIntegrateFire implements NeuronModel {

  @Override
  public String id() {
    return "ternary-gif";
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    int level = Math.max(1, (1 << (bits - 1)) - 1);
    return new Dynamics(1, 1, -level, level, timeSteps);
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
