package org.spikellm.quantizers.salience;

import java.util.Arrays;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * Salience by distance from the median in median absolute deviations (SpikeQuant; method.md §3): {@code |a_j − median(a)| / MAD(a)}
 * of the channels' mean magnitudes {@code a_j = mean |x_j|}.
 */
public final class MadSalience implements SalienceDetector {

  @Override
  public String id() {
    return "mad";
  }

  @Override
  public boolean needsGram() {
    return false;
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    double[] magnitude = inputs.absMean();
    double median = median(magnitude);
    double[] deviation = Arrays.stream(magnitude).map(a -> Math.abs(a - median)).toArray();
    double mad = Math.max(median(deviation), Float.MIN_NORMAL);
    float[] score = new float[deviation.length];
    for (int j = 0; j < score.length; j++) {
      score[j] = (float) Math.min(deviation[j] / mad, Float.MAX_VALUE);
    }
    return score;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
