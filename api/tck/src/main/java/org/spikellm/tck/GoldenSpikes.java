package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.SpikeRange;

/** Spike trains of generalized integrate-and-fire neurons, made by an independent implementation; gif.txt tells of them. */
public final class GoldenSpikes {

  private GoldenSpikes() {}

  /** Fails where θ, zero point, or the spikes that {@code gif} fires in each step are not the golden ones. */
  public static void check(NeuronModel gif) {
    for (Golden golden : Golden.all()) {
      Dynamics dynamics = gif.dynamics(golden.bits(), golden.steps());
      float low = golden.x()[0];
      float high = low;
      for (float value : golden.x()) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      SpikeRange range = SpikeRange.of(low, high, dynamics);
      assertEquals(golden.theta(), range.theta(), () -> golden + ": threshold");
      assertEquals(golden.zero(), range.zero(), () -> golden + ": zero point");
      float[] input = new float[golden.x().length];
      for (int c = 0; c < input.length; c++) {
        input[c] = range.current(golden.x()[c]);
      }
      int[] counts = new int[input.length];
      float[] potential = new float[input.length];
      short[] spikes = new short[input.length];
      for (int step = 0; step < golden.steps(); step++) {
        gif.step(step == 0 ? input : new float[input.length], potential, dynamics, spikes);
        int[] fired = new int[input.length];
        for (int c = 0; c < input.length; c++) {
          fired[c] = spikes[c];
          counts[c] += spikes[c];
        }
        int at = step;
        assertArrayEquals(golden.spikes()[step], fired, () -> golden + ": spikes of step " + at);
      }
      assertArrayEquals(golden.counts(), counts, () -> golden + ": counts");
    }
  }
}
