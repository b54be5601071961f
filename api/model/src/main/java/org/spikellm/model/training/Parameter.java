package org.spikellm.model.training;

import java.util.Arrays;

/**
 * A learned vector with its gradient and AdamW's state: β 0.9 and 0.999, ε 1e-8, no decay (method.md §4). One step is
 *
 * <pre>
 *   m = 0.9 m + 0.1 g      v = 0.999 v + 0.001 g²      x −= rate · m/(1 − 0.9ⁿ) / (√(v/(1 − 0.999ⁿ)) + ε)
 * </pre>
 */
public final class Parameter {

  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.999;
  private static final float EPSILON = 1e-8f;

  private final float[] values;
  private final float[] gradient;
  private final float[] first;
  private final float[] second;
  private final float[] kept;
  private final double rate;
  private int steps;

  Parameter(float[] values, double rate) {
    this.values = values;
    this.rate = rate;
    kept = values.clone();
    gradient = new float[values.length];
    first = new float[values.length];
    second = new float[values.length];
  }

  /** The vector itself, not a copy; changed by each step. */
  public float[] values() {
    return values;
  }

  /** The gradient of the last backward pass, not a copy. */
  public float[] gradient() {
    return gradient;
  }

  /** Remembers the vector as it is. */
  void keep() {
    System.arraycopy(values, 0, kept, 0, values.length);
  }

  /** Takes the vector back to what {@link #keep} remembered, or to where it started. */
  void restore() {
    System.arraycopy(kept, 0, values, 0, values.length);
  }

  boolean isFinite() {
    float sum = 0;
    for (float value : values) {
      sum += value * 0;  // 0, or NaN for ever
    }
    return sum == 0;
  }

  void clearGradient() {
    Arrays.fill(gradient, 0);
  }

  void step() {
    steps++;
    float rateNow = (float) (rate / (1 - Math.pow(BETA_1, steps)));
    float root = (float) Math.sqrt(1 - Math.pow(BETA_2, steps));
    float keep = (float) BETA_2;
    float take1 = (float) (1 - BETA_1);
    float take2 = (float) (1 - BETA_2);
    for (int i = 0; i < values.length; i++) {
      float g = gradient[i];
      first[i] += (g - first[i]) * take1;
      second[i] = second[i] * keep + take2 * g * g;
      values[i] -= rateNow * (first[i] / ((float) Math.sqrt(second[i]) / root + EPSILON));
    }
  }
}
