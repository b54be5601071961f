package org.spikellm.launcher.registry;

import java.util.Map;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;

/** A plug-in's neuron: levels outside of its dynamics and potentials that are not finite are its failures. */
final class GuardedNeuron implements NeuronModel {

  private final NeuronModel neuron;
  private final Guard guard;

  GuardedNeuron(NeuronModel neuron, Guard guard) {
    this.neuron = neuron;
    this.guard = guard;
  }

  @Override
  public String id() {
    return guard.id();
  }

  @Override
  public Map<String, String> options() {
    return guard.call("options", neuron::options);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    return new GuardedNeuron((NeuronModel) guard.ask("configure", () -> neuron.configure(options)), guard);
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    guard.call("step", () -> {
      neuron.step(input, potential, dynamics, spikes);
      return true;
    });
    for (int i = 0; i < spikes.length; i++) {
      if (spikes[i] < dynamics.lowLevel() || spikes[i] > dynamics.highLevel() || !Float.isFinite(potential[i])) {
        throw guard.failure("step fired level " + spikes[i] + " and left potential " + potential[i] + " from input " + input[i]
            + ", expected a level of " + dynamics.lowLevel() + ".." + dynamics.highLevel() + " and a finite potential", null);
      }
    }
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return guard.ask("dynamics", () -> neuron.dynamics(bits, timeSteps));
  }

  @Override
  public boolean collapsible() {
    return guard.call("collapsible", neuron::collapsible);
  }
}
