package org.spikellm.backend.simd;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** Fires what it is given, within its levels, and keeps the rest: collapsible for integer input. */
final class Levels implements NeuronModel {

  @Override
  public String id() {
    return "levels";
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    for (int i = 0; i < spikes.length; i++) {
      float charged = potential[i] + input[i];
      spikes[i] = (short) Math.clamp((int) charged, dynamics.lowLevel(), dynamics.highLevel());
      potential[i] = charged - spikes[i];
    }
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
  }

  @Override
  public boolean collapsible() {
    return true;
  }
}
