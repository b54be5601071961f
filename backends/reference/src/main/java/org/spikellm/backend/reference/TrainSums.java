package org.spikellm.backend.reference;

/**
 * Products with weights that are spike trains, by additions alone. What is multiplied with a weight of k spikes is added to the sum of
 * its k; then
 *
 * <pre>  Σ_j x_j k_j = Σ_{t = 1..N} Σ_{j: k_j >= t} x_j − Σ_{t = 1..N} Σ_{j: k_j <= −t} x_j  </pre>
 *
 * which is one sum over the steps of trains that fire as early as they can.
 */
final class TrainSums {

  private TrainSums() {}

  /**
   * Σ x·k of a group.
   *
   * @param x what is multiplied, from {@code first} on
   * @param codes k + most, of the columns {@code from} to {@code to − 1}
   * @param most the largest k
   */
  static long product(long[] x, int first, int[] codes, int from, int to, int most) {
    long[] sums = new long[2 * most + 1];
    for (int j = from; j < to; j++) {
      sums[codes[j]] += x[first + j];
    }
    long firing = 0;
    long total = 0;
    for (int k = most; k > 0; k--) {
      firing += sums[most + k] - sums[most - k];
      total += firing;
    }
    return total;
  }

  /** As above; {@code order} says which of {@code x} each place has. */
  static double product(float[] x, int[] order, int first, int[] codes, int from, int to, int most) {
    double[] sums = new double[2 * most + 1];
    for (int j = from; j < to; j++) {
      sums[codes[j]] += x[order[first + j]];
    }
    double firing = 0;
    double total = 0;
    for (int k = most; k > 0; k--) {
      firing += sums[most + k] - sums[most - k];
      total += firing;
    }
    return total;
  }
}
