package org.spikellm.neurons;

import java.util.Map;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;

/**
 * The leaky integrate-and-fire neuron (method.md §1): {@link IntegrateFire} that keeps only the fraction {@code leak} of its
 * potential from one step to the next, so that large inputs fire less than their share. Not collapsible.
 */
public final class LeakyIntegrateFire implements NeuronModel {

  private static final String LEAK = "leak";
  private static final String DEFAULT_LEAK = "0.98";

  private final float leak;

  /** With the default leak. */
  public LeakyIntegrateFire() {
    this(Float.parseFloat(DEFAULT_LEAK));
  }

  private LeakyIntegrateFire(float leak) {
    this.leak = leak;
  }

  @Override
  public String id() {
    return "lif";
  }

  @Override
  public Map<String, String> options() {
    return Map.of(LEAK, DEFAULT_LEAK);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    String text = options.getOrDefault(LEAK, DEFAULT_LEAK);
    try {
      float value = Float.parseFloat(text);
      if (value > 0 && value <= 1) {
        return new LeakyIntegrateFire(value);
      }
    } catch (NumberFormatException e) {
      // said below, as for a number out of range
    }
    throw new IllegalArgumentException("lif.leak: expected a number above 0 and at most 1, found '" + text + "'");
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, leak, 0, 1, timeSteps * ((1 << bits) - 1));
  }

  @Override
  public boolean collapsible() {
    return false;
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    SoftReset.step(input, potential, dynamics, spikes);
  }
}
