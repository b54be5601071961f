package org.spikellm.api;

/**
 * The parameters of a neuron (method.md §1). Potential and input are in units of the encoder's θ, so the threshold is 1 for the
 * shipped neurons.
 *
 * @param threshold potential at which a level fires
 * @param leak factor on the potential before each step, in (0, 1]; 1 does not leak
 * @param lowLevel smallest level a step can fire: 0, or −L for a bidirectional neuron
 * @param highLevel largest level L a step can fire
 * @param timeSteps T, how many steps a train has
 */
public record Dynamics(float threshold, float leak, int lowLevel, int highLevel, int timeSteps) {

  public Dynamics {
    if (!(threshold > 0) || !(leak > 0 && leak <= 1) || lowLevel > 0 || highLevel < 1 || timeSteps < 1) {
      throw new IllegalArgumentException("dynamics: expected threshold > 0, 0 < leak <= 1, lowLevel <= 0 < highLevel and "
          + "timeSteps >= 1, found threshold " + threshold + ", leak " + leak + ", levels " + lowLevel + ".." + highLevel
          + ", timeSteps " + timeSteps);
    }
    if ((long) timeSteps * Math.max(highLevel, -(long) lowLevel) > Short.MAX_VALUE) {
      throw new IllegalArgumentException("spike counts: expected at most " + Short.MAX_VALUE + ", found " + timeSteps + " steps of levels "
          + lowLevel + ".." + highLevel + "; use fewer activation bits or time steps");
    }
  }

  /** Smallest spike count of a train: {@code timeSteps * lowLevel}. */
  public int countLow() {
    return timeSteps * lowLevel;
  }

  /** Largest spike count of a train, N of method.md §2: {@code timeSteps * highLevel}. */
  public int countHigh() {
    return timeSteps * highLevel;
  }

  /** Whether levels of both signs fire, so that the range around zero is symmetric and needs no zero point. */
  public boolean bidirectional() {
    return lowLevel < 0;
  }
}
