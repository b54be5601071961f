package org.spikellm.launcher.tasks;

/**
 * A mean over items.
 *
 * @param value the mean
 * @param standardError the sample's standard deviation / √n, which for shares is √(p (1 − p)/(n − 1)); NaN for one item
 */
public record Mean(double value, double standardError) {

  /** Of at least one value. */
  public static Mean of(double... values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    double mean = sum / values.length;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    return new Mean(mean, Math.sqrt(squares / (values.length - 1)) / Math.sqrt(values.length));
  }
}
