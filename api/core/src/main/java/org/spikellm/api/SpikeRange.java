package org.spikellm.api;

/**
 * θ and zero point of a range of values (method.md §2): {@code n = clip(round(x/θ) + zero, countLow, countHigh)},
 * {@code x̂ = (n − zero) θ}.
 *
 * @param theta threshold θ
 * @param zero zero point
 */
public record SpikeRange(float theta, int zero) {

  private static final float MIN_THETA = 1e-5f;
  private static final float MAX_THETA = 1e4f;

  /**
   * The range from {@code low} to {@code high} in the counts of {@code dynamics}. With N the largest count,
   * {@code θ = clamp((high − low)/N, 1e-5, 1e4)}, {@code zero = round(clamp(−low/θ, −1e4, 1e4))}; a bidirectional neuron has
   * {@code θ = clamp(max(|low|, |high|)/N, 1e-5, 1e4)} and no zero point. All in float, half to even.
   */
  public static SpikeRange of(float low, float high, Dynamics dynamics) {
    if (dynamics.bidirectional()) {
      return new SpikeRange(clamp(Math.max(Math.abs(low), Math.abs(high)) / dynamics.countHigh(), MIN_THETA), 0);
    }
    float theta = clamp((high - low) / dynamics.countHigh(), MIN_THETA);
    return new SpikeRange(theta, (int) Math.rint(clamp(-low / theta, -MAX_THETA)));
  }

  /** Whether θ of this range is not the exact one but the nearest that is allowed. */
  public static boolean isClamped(float low, float high, Dynamics dynamics) {
    float exact = (dynamics.bidirectional() ? Math.max(Math.abs(low), Math.abs(high)) : high - low) / dynamics.countHigh();
    return exact < MIN_THETA || exact > MAX_THETA;
  }

  /** The input current of a value, in units of θ: {@code round(x/θ) + zero}. The rounding is the encoder's, the firing the neuron's. */
  public float current(float value) {
    return (float) (Math.rint(value / theta) + zero);
  }

  /** The value that {@code count} spikes stand for. */
  public float decode(int count) {
    return (count - zero) * theta;
  }

  private static float clamp(float value, float low) {
    return Math.min(Math.max(value, low), MAX_THETA);
  }
}
