package com.example.adaptive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.NeuronModel;
import org.spikellm.tck.NeuronModelContract;

class AdaptiveThresholdTest extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return new AdaptiveThreshold();
  }

  /** With a = 1 the levels cost 1, 2, 3: 6 pays for three of them, 5 for two. */
  @Test
  void theNextLevelIsDearer() {
    NeuronModel steep = (NeuronModel) neuron().configure(Map.of("adaptation", "1"));
    float[] potential = {0, 0, 1};
    short[] spikes = new short[3];
    steep.step(new float[] {6, 5, 0}, potential, steep.dynamics(4, 1), spikes);
    assertArrayEquals(new short[] {3, 2, 1}, spikes);
    assertArrayEquals(new float[] {3, 3, 0}, potential);
  }
}
