package org.spikellm.launcher.registry;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** A plug-in's neuron: levels outside of its dynamics and potentials that are not finite are its failures. */
final class GuardedNeuron extends Guarded<NeuronModel> implements NeuronModel {

  GuardedNeuron(NeuronModel neuron, Guard guard) {
    super(neuron, guard);
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    guard.run("step", () -> provider.step(input, potential, dynamics, spikes));
    for (int i = 0; i < spikes.length; i++) {
      if (spikes[i] < dynamics.lowLevel() || spikes[i] > dynamics.highLevel() || !Float.isFinite(potential[i])) {
        throw guard.failure("step fired level " + spikes[i] + " and left potential " + potential[i] + " from input " + input[i]
            + ", expected a level of " + dynamics.lowLevel() + ".." + dynamics.highLevel() + " and a finite potential", null);
      }
    }
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return guard.ask("dynamics", () -> provider.dynamics(bits, timeSteps));
  }

  @Override
  public boolean collapsible() {
    return guard.call("collapsible", provider::collapsible);
  }
}
