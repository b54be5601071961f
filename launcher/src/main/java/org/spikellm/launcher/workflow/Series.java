package org.spikellm.launcher.workflow;

import java.util.Collection;

/** A quantity that was measured several times. */
public record Series(double median, double min, double max) {

  /** The median and extremes of at least one value. */
  static Series of(Collection<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    int middle = sorted.length / 2;
    double median = sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    return new Series(median, sorted[0], sorted[sorted.length - 1]);
  }
}
