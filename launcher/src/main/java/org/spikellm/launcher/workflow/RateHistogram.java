package org.spikellm.launcher.workflow;

import java.util.Arrays;

/**
 * How many channels fire at which rate.
 *
 * @param counts channels whose rate is in [i/10, (i+1)/10); a rate of 1 is in the last
 * @param silent how many of those in the first never fired
 */
public record RateHistogram(long[] counts, long silent) {

  /** Parts of the range from 0 to 1. */
  public static final int BINS = 10;

  /** No channels. */
  public static final RateHistogram EMPTY = new RateHistogram(new long[BINS], 0);

  /** Of rates from 0 to 1, one a channel. */
  public static RateHistogram of(double[] rates) {
    long[] counts = new long[BINS];
    for (double rate : rates) {
      counts[Math.min(BINS - 1, (int) (rate * BINS))]++;
    }
    return new RateHistogram(counts, Arrays.stream(rates).filter(rate -> rate == 0).count());
  }

  /** Of both. */
  public RateHistogram plus(RateHistogram other) {
    long[] sum = counts.clone();
    for (int i = 0; i < BINS; i++) {
      sum[i] += other.counts[i];
    }
    return new RateHistogram(sum, silent + other.silent);
  }

  /** Channels in all. */
  public long channels() {
    return Arrays.stream(counts).sum();
  }
}
