package org.spikellm.api;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The order in which a linear layer's input channels are stored: salient channels moved last, so that each class of channels is
 * a range of columns and no mask is needed.
 *
 * @param order {@code order[i]} is the channel (input column of the original layer) that stands in place i; a permutation
 * @param starts first place of each class, ascending, {@code starts[0] == 0}; a class may be empty. Neither array is copied
 *     or may be changed
 */
public record ChannelOrder(int[] order, int[] starts) {

  /** Keeps a product like 0.29999999999999999 · 10 from losing a whole channel. */
  private static final double ROUNDING = 1e-9;

  public ChannelOrder {
    boolean[] seen = new boolean[order.length];
    for (int channel : order) {
      if (channel < 0 || channel >= order.length || seen[channel]) {
        throw new IllegalArgumentException("channel order: expected a permutation of 0.." + (order.length - 1) + ", found "
            + channel + (channel < 0 || channel >= order.length ? "" : " twice"));
      }
      seen[channel] = true;
    }
    if (starts.length == 0 || starts[0] != 0) {
      throw new IllegalArgumentException("channel order: the first class starts at 0, found " + Arrays.toString(starts));
    }
    for (int c = 1; c < starts.length; c++) {
      if (starts[c] < starts[c - 1] || starts[c] > order.length) {
        throw new IllegalArgumentException("channel order: expected ascending class starts up to " + order.length + ", found "
            + Arrays.toString(starts));
      }
    }
  }

  /** All channels in their own order, in one class. */
  public static ChannelOrder identity(int channels) {
    return new ChannelOrder(IntStream.range(0, channels).toArray(), new int[] {0});
  }

  /** Two classes: the channels that are not salient, then those that are, each in ascending order. */
  public static ChannelOrder of(boolean[] salient) {
    int[] order = new int[salient.length];
    int plain = 0;
    for (int channel = 0; channel < salient.length; channel++) {
      if (!salient[channel]) {
        order[plain++] = channel;
      }
    }
    int place = plain;
    for (int channel = 0; channel < salient.length; channel++) {
      if (salient[channel]) {
        order[place++] = channel;
      }
    }
    return new ChannelOrder(order, new int[] {0, plain});
  }

  /**
   * The selection rule of method.md §3: with k = floor(plain · C), the channels whose score is above the k-th smallest are salient.
   *
   * @param score one score a channel
   * @param plain fraction of the channels that are not salient, 0 to 1; at 1 no channel is salient
   * @return whether each channel is salient
   */
  public static boolean[] select(float[] score, double plain) {
    if (!(plain >= 0 && plain <= 1)) {
      throw new IllegalArgumentException("fraction of plain channels: expected 0 to 1, found " + plain);
    }
    boolean[] salient = new boolean[score.length];
    int k = (int) Math.floor(plain * score.length + ROUNDING);
    if (k >= score.length) {
      return salient;
    }
    float[] sorted = score.clone();
    Arrays.sort(sorted);
    for (int channel = 0; channel < score.length; channel++) {
      salient[channel] = k == 0 || score[channel] > sorted[k - 1];
    }
    return salient;
  }

  /** Number of channels. */
  public int channels() {
    return order.length;
  }

  /** Number of classes. */
  public int classes() {
    return starts.length;
  }

  /** First place of class {@code c}. */
  public int start(int c) {
    return starts[c];
  }

  /** Place after the last one of class {@code c}. */
  public int end(int c) {
    return c + 1 < starts.length ? starts[c + 1] : order.length;
  }

  /** {@code ordered[i] = natural[order[i]]}: from the channels' own order to their places. */
  public void gather(float[] natural, float[] ordered) {
    for (int i = 0; i < order.length; i++) {
      ordered[i] = natural[order[i]];
    }
  }

  /** {@code natural[order[i]] = ordered[i]}: from places back to the channels' own order. */
  public void scatter(float[] ordered, float[] natural) {
    for (int i = 0; i < order.length; i++) {
      natural[order[i]] = ordered[i];
    }
  }

  /** Whether every channel stands in its own place. */
  public boolean isIdentity() {
    return IntStream.range(0, order.length).allMatch(i -> order[i] == i);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChannelOrder that && Arrays.equals(order, that.order) && Arrays.equals(starts, that.starts);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(order) + Arrays.hashCode(starts);
  }
}
