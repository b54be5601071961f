package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.List;

/**
 * Maps values to a chart's coordinates.
 *
 * @param low value at {@code from}
 * @param high value at {@code to}
 * @param logarithmic whether equal distances are equal factors
 * @param from coordinate of the low end
 * @param to coordinate of the high end
 */
record Axis(double low, double high, boolean logarithmic, double from, double to) {

  /** From this factor between the largest and the smallest value on, a linear axis would press the small ones flat. */
  private static final double WIDE = 8;
  private static final int TICKS = 5;

  /** An axis on which all finite values have a place, logarithmic where they are positive and differ by a large factor. */
  static Axis fitting(double[] values, double from, double to) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (double value : values) {
      if (Double.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
    if (low > high) {
      return new Axis(0, 1, false, from, to);
    }
    if (low > 0 && high / low > WIDE) {
      return new Axis(low, high, true, from, to);
    }
    double margin = high > low ? (high - low) * 0.06 : Math.max(Math.abs(high) * 0.1, 1e-12);
    return new Axis(low - margin, high + margin, false, from, to);
  }

  /** The coordinate of a value; what is outside the axis stands at its end. */
  double at(double value) {
    double inside = Math.clamp(value, low, high);
    double share = logarithmic ? Math.log(inside / low) / Math.log(high / low) : (inside - low) / (high - low);
    return from + share * (to - from);
  }

  /** Round values along the axis. */
  List<Double> ticks() {
    return logarithmic ? factors() : steps();
  }

  private List<Double> steps() {
    double rough = (high - low) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double step = power * (rough <= 1.5 * power ? 1 : rough <= 3.5 * power ? 2 : rough <= 7.5 * power ? 5 : 10);
    List<Double> ticks = new ArrayList<>();
    long last = (long) Math.floor(high / step);
    for (long i = (long) Math.ceil(low / step); i <= last; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  private List<Double> factors() {
    int[] within = high / low < 200 ? new int[] {1, 2, 5} : new int[] {1};
    int first = (int) Math.floor(Math.log10(low));
    int last = (int) Math.floor(Math.log10(high));
    int stride = Math.max(1, (last - first) / 6);
    List<Double> ticks = new ArrayList<>();
    for (int power = first; power <= last; power += stride) {
      for (int factor : within) {
        double tick = factor * Math.pow(10, power);
        if (tick >= low && tick <= high) {
          ticks.add(tick);
        }
      }
    }
    return ticks;
  }
}
