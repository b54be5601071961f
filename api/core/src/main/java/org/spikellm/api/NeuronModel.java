package org.spikellm.api;

/**
 * A spiking neuron as a pure step: charge, fire, reset. The potential is all the state there is. The contract is
 * {@code org.spikellm.tck.NeuronModelContract}.
 */
public non-sealed interface NeuronModel extends Provider {

  /**
   * One time step of a layer of neurons: integrates {@code input}, fires, resets.
   *
   * @param input current of this step, one a neuron, in units of θ; not changed
   * @param potential membrane potentials v(t−1), replaced by v(t)
   * @param dynamics what {@link #dynamics} returned
   * @param spikes set to the level each neuron fires, within {@code lowLevel..highLevel}
   */
  void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes);

  /**
   * The parameters of a neuron that stands for {@code bits} bits of activation in each of {@code timeSteps} steps.
   *
   * @param bits 1 to 15
   * @param timeSteps at least 1; a plain channel has 1
   */
  Dynamics dynamics(int bits, int timeSteps);

  /**
   * Whether the counts of a train whose input all arrives in the first step are {@code clip(input, countLow, countHigh)} for
   * integer inputs: then one integer product on the counts replaces one on each step's spikes (method.md §1).
   */
  boolean collapsible();
}
