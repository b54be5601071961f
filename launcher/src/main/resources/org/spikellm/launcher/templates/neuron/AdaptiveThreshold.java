package com.example.adaptive;

import java.util.Map;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;

/**
 * A neuron with an adaptive threshold: every level that it fires in a step makes the next one in that step dearer by
 * {@code adaptation}, and the threshold recovers until the next step. So a large input is spread over time: what it does not
 * fire now stays in the potential. It has twice the steps that it is asked for, of half the levels.
 *
 * <pre>
 * u = v + x                                      charge
 * s = the largest level with Σ_{k=0..s−1} (θ + a·k) ≤ u + θ/2, at most L       fire
 * v = u − θ·s                                    reset
 * </pre>
 */
public final class AdaptiveThreshold implements NeuronModel {

  private static final String ADAPTATION = "adaptation";
  private static final String DEFAULT_ADAPTATION = "0.02";
  /** So that a sum that is just reached is not missed by a rounding. */
  private static final double ROUNDING = 1e-9;

  private final double adaptation;

  /** With the default adaptation. */
  public AdaptiveThreshold() {
    this(Double.parseDouble(DEFAULT_ADAPTATION));
  }

  private AdaptiveThreshold(double adaptation) {
    this.adaptation = adaptation;
  }

  @Override
  public String id() {
    return "adaptive";
  }

  @Override
  public Map<String, String> options() {
    return Map.of(ADAPTATION, DEFAULT_ADAPTATION);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    String text = options.getOrDefault(ADAPTATION, DEFAULT_ADAPTATION);
    try {
      double value = Double.parseDouble(text);
      if (value > 0 && value <= 1) {
        return new AdaptiveThreshold(value);
      }
    } catch (NumberFormatException e) {
      // said below, as for a number out of range
    }
    throw new IllegalArgumentException("adaptive.adaptation: expected a number above 0 and at most 1, found '" + text + "'");
  }

  @Override
  public Dynamics dynamics(int bits, int timeSteps) {
    return new Dynamics(1, 1, 0, 1 << (bits - 1), 2 * timeSteps);
  }

  /** Its counts are not the inputs rounded and clipped, so it runs step by step. */
  @Override
  public boolean collapsible() {
    return false;
  }

  @Override
  public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
    double a = adaptation;
    // s levels cost θ·s + a·s·(s − 1)/2; this is b of the root s = (√(b² + 2·a·cost) − b)/a.
    double b = dynamics.threshold() - a / 2;
    for (int i = 0; i < input.length; i++) {
      float charged = potential[i] + input[i];
      double pays = Math.max(0, charged + dynamics.threshold() / 2);
      double level = (Math.sqrt(b * b + 2 * a * pays) - b) / a;
      int fired = (int) Math.min(dynamics.highLevel(), Math.floor(level + ROUNDING));
      spikes[i] = (short) fired;
      potential[i] = charged - dynamics.threshold() * fired;
    }
  }
}
