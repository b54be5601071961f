package org.spikellm.neurons;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.tck.NeuronModelContract;

class IntegrateFireTest extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return new IntegrateFire();
  }

  @Test
  @DisplayName("fires in L binary steps what GIF fires in one of L levels")
  void asManyAsGif() {
    for (int bits = 1; bits <= 8; bits++) {
      Dynamics dynamics = neuron().dynamics(bits, 2);
      assertEquals(1, dynamics.highLevel());
      assertEquals(new GeneralizedIntegrateFire().dynamics(bits, 2).countHigh(), dynamics.countHigh());
    }
  }
}
