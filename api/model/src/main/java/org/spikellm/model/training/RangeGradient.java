package org.spikellm.model.training;

import org.spikellm.api.Dynamics;
import org.spikellm.api.SpikeRange;

/**
 * The gradient of a range: ∂L/∂low and ∂L/∂high gathered from every θ that was made of them (method.md §4). A clamped θ passes nothing.
 */
final class RangeGradient {

  private final float low;
  private final float high;
  private double toLow;
  private double toHigh;

  RangeGradient(float low, float high) {
    this.low = low;
    this.high = high;
  }

  /** Adds ∂L/∂θ of the θ that {@link SpikeRange#of} makes of this range for {@code dynamics}. */
  void add(double thetaGradient, Dynamics dynamics) {
    if (SpikeRange.isClamped(low, high, dynamics)) {
      return;
    }
    double share = thetaGradient / dynamics.countHigh();
    if (!dynamics.bidirectional()) {
      toHigh += share;
      toLow -= share;
      return;
    }
    int side = Float.compare(Math.abs(high), Math.abs(low));
    if (side >= 0) {
      toHigh += Math.signum(high) * (side == 0 ? share / 2 : share);
    }
    if (side <= 0) {
      toLow += Math.signum(low) * (side == 0 ? share / 2 : share);
    }
  }

  double toLow() {
    return toLow;
  }

  double toHigh() {
    return toHigh;
  }

  /** Passes gradients of the extremes of {@code x[from..to)} to the entries that are extreme, in equal shares. */
  static void toExtremes(float[] x, int from, int to, float low, float high, double toLow, double toHigh, float[] gradient) {
    int lows = 0;
    int highs = 0;
    for (int i = from; i < to; i++) {
      lows += x[i] == low ? 1 : 0;
      highs += x[i] == high ? 1 : 0;
    }
    float lowShare = (float) (toLow / lows);
    float highShare = (float) (toHigh / highs);
    for (int i = from; i < to; i++) {
      if (x[i] == low) {
        gradient[i] += lowShare;
      }
      if (x[i] == high) {
        gradient[i] += highShare;
      }
    }
  }
}
