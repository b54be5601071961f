package org.spikellm.neurons;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.tck.NeuronModelContract;

class TernaryIntegrateFireTest extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return new TernaryIntegrateFire();
  }

  @Test
  @DisplayName("two bits are the levels -1, 0 and 1")
  void ternary() {
    assertEquals(new Dynamics(1, 1, -1, 1, 4), neuron().dynamics(2, 4));
  }

  @Test
  @DisplayName("both signs fire alike")
  void symmetric() {
    Dynamics dynamics = neuron().dynamics(4, 1);
    short[] spikes = new short[4];
    neuron().step(new float[] {2.5f, -2.5f, 9, -9}, new float[4], dynamics, spikes);
    assertArrayEquals(new short[] {2, -2, 7, -7}, spikes);
  }
}
