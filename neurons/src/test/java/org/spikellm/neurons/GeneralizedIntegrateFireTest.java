package org.spikellm.neurons;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.NeuronModel;
import org.spikellm.tck.GoldenSpikes;
import org.spikellm.tck.NeuronModelContract;

class GeneralizedIntegrateFireTest extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return new GeneralizedIntegrateFire();
  }

  @Test
  @DisplayName("fires the golden spike trains, step by step")
  void goldenSpikes() {
    GoldenSpikes.check(neuron());
  }

  @Test
  @DisplayName("T steps of b bits carry T (2^b - 1) levels")
  void ceiling() {
    assertEquals(15, neuron().dynamics(4, 1).countHigh());
    assertEquals(30, neuron().dynamics(4, 2).countHigh());
    assertEquals(60, neuron().dynamics(4, 4).countHigh());
    assertEquals(1020, neuron().dynamics(8, 4).countHigh());
  }
}
