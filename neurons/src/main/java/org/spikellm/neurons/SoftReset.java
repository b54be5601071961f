package org.spikellm.neurons;

import org.spikellm.api.Dynamics;

/** The step that all four neurons share: leak, charge, fire a whole level, subtract what was fired (method.md §1). */
final class SoftReset {

  private SoftReset() {}

  /**
   * {@code u = β v + x;  s = clip(⌊u/θ⌋, low, high);  v = u − θ s}, with ⌊·⌋ toward zero so that both signs fire alike. For
   * inputs that are whole multiples of θ every operation without leak is exact.
   */
  static void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    float threshold = dynamics.threshold();
    for (int i = 0; i < input.length; i++) {
      float charged = dynamics.leak() * potential[i] + input[i];
      int level = (int) (charged / threshold);
      int fired = Math.clamp(level, dynamics.lowLevel(), dynamics.highLevel());
      spikes[i] = (short) fired;
      potential[i] = charged - threshold * fired;
    }
  }
}
