package org.spikellm.tck;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/**
 * The neuron of method.md §1 with any levels and leak, for the cases of the encoder and the caches.
 *
 * @param id its name
 * @param leak factor on the potential before each step; 1 makes it collapsible
 */
record SoftResetNeuron(String id, float leak) implements NeuronModel {

  static final SoftResetNeuron WHOLE = new SoftResetNeuron("tck-whole", 1);
  static final SoftResetNeuron LEAKY = new SoftResetNeuron("tck-leaky", 0.9f);

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    for (int i = 0; i < input.length; i++) {
      float charged = dynamics.leak() * potential[i] + input[i];
      double level = charged < 0 ? Math.ceil(charged / dynamics.threshold()) : Math.floor(charged / dynamics.threshold());
      spikes[i] = (short) Math.clamp(level, dynamics.lowLevel(), dynamics.highLevel());
      potential[i] = charged - dynamics.threshold() * spikes[i];
    }
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, leak, 0, (1 << bits) - 1, timeSteps);
  }

  @Override
  public boolean collapsible() {
    return leak == 1;
  }
}
