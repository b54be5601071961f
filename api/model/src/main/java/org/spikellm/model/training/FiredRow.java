package org.spikellm.model.training;

import java.util.Arrays;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.SpikeRange;

/**
 * A row of values on its way through {@code x̂ = (n − zero) θ}, {@code n = clip(round(x/θ) + zero)} (method.md §2), with what its gradient
 * needs (§4). Rounding passes straight through, the zero point is a constant, the clip passes within its range:
 *
 * <pre>
 *   ∂x̂/∂x = 1 within the range, 0 outside        ∂x̂/∂θ = (n − zero) − x/θ within, (n − zero) outside
 * </pre>
 *
 * <p>The loops have no branches, so that they compile to vector instructions.
 */
final class FiredRow {

  /** Adding and subtracting it rounds a float below 2^22 in size to an integer, half to even. */
  private static final float ROUND = 1.5f * (1 << 23);
  /** Far outside every range of counts, and small enough for {@link #ROUND}. */
  private static final float FAR = 1 << 21;

  final float[] x;
  private final float[] theta;
  private final float[] zero;
  private final float[] ratio;
  private final float[] count;
  /** 1 where the clip passes a gradient, else 0. */
  private final float[] inside;

  FiredRow(int length) {
    x = new float[length];
    theta = new float[length];
    zero = new float[length];
    ratio = new float[length];
    count = new float[length];
    inside = new float[length];
  }

  /** Gives the places {@code from..to − 1} one range. */
  void range(int from, int to, SpikeRange range) {
    Arrays.fill(theta, from, to, range.theta());
    Arrays.fill(zero, from, to, range.zero());
  }

  /** Fires on {@link #x} in the places {@code from..to − 1}, all of one dynamics, at once. */
  void fire(int from, int to, Dynamics dynamics) {
    float low = dynamics.countLow();
    float high = dynamics.countHigh();
    for (int i = from; i < to; i++) {
      float r = x[i] / theta[i];
      float current = Math.min(Math.max(r, -FAR), FAR) + ROUND - ROUND + zero[i];
      float n = Math.min(Math.max(current, low), high);
      ratio[i] = r;
      count[i] = n;
      inside[i] = 1 - Math.min(1, Math.abs(current - n));
    }
  }

  /** Fires step by step; a gradient passes straight through the neuron where its current is in the range of counts. */
  void fire(int from, int to, Dynamics dynamics, NeuronModel neuron) {
    fire(from, to, dynamics);
    float[] input = new float[to - from];
    for (int i = from; i < to; i++) {
      input[i - from] = Math.min(Math.max(ratio[i], -FAR), FAR) + ROUND - ROUND + zero[i];
    }
    float[] potential = new float[input.length];
    short[] spikes = new short[input.length];
    Arrays.fill(count, from, to, 0);
    for (int step = 0; step < dynamics.timeSteps(); step++) {
      neuron.step(input, potential, dynamics, spikes);
      Arrays.fill(input, 0);
      for (int i = from; i < to; i++) {
        count[i] += spikes[i - from];
      }
    }
  }

  /** {@code out = x̂}. */
  void decode(float[] out) {
    for (int i = 0; i < x.length; i++) {
      out[i] = (count[i] - zero[i]) * theta[i];
    }
  }

  /** Given {@code gradient = ∂L/∂x̂}: {@code out = ∂L/∂x} at a fixed range. */
  void inputGradient(float[] gradient, float[] out) {
    for (int i = 0; i < x.length; i++) {
      out[i] = gradient[i] * inside[i];
    }
  }

  /** Given {@code gradient = ∂L/∂x̂}: what each place adds to ∂L/∂θ. */
  void thetaGradient(float[] gradient, float[] out) {
    for (int i = 0; i < x.length; i++) {
      out[i] = gradient[i] * (count[i] - zero[i] - inside[i] * ratio[i]);
    }
  }
}
