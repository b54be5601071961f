package org.spikellm.neurons;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.tck.NeuronModelContract;

class LeakyIntegrateFireTest extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return new LeakyIntegrateFire();
  }

  @Test
  @DisplayName("keeps the fraction 'leak' of its potential from one step to the next")
  void leaks() {
    NeuronModel half = (NeuronModel) neuron().configure(Map.of("leak", "0.5"));
    Dynamics dynamics = half.dynamics(2, 1);
    assertEquals(0.5f, dynamics.leak());
    float[] potential = {1.5f, 4};
    short[] spikes = new short[2];
    half.step(new float[2], potential, dynamics, spikes);
    assertArrayEquals(new short[] {0, 1}, spikes);
    assertArrayEquals(new float[] {0.75f, 1}, potential);
  }

  @Test
  @DisplayName("a leak of 1 is the neuron without leak")
  void withoutLeak() {
    NeuronModel whole = (NeuronModel) neuron().configure(Map.of("leak", "1"));
    assertEquals(new IntegrateFire().dynamics(4, 2), whole.dynamics(4, 2));
  }

  @Test
  @DisplayName("refuses a leak that is not in (0, 1], by name and value")
  void refuses() {
    for (String value : new String[] {"0", "-1", "1.1", "NaN", "half", ""}) {
      IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> neuron().configure(Map.of("leak", value)));
      assertEquals("lif.leak: expected a number above 0 and at most 1, found '" + value + "'", e.getMessage());
    }
  }
}
