package org.spikellm.launcher.report;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * How the channels of a layer share the columns of a map: each its own where there is room, else neighbours one.
 *
 * @param channels of the layer
 * @param columns of the map
 */
record ChannelColumns(int channels, int columns) {

  /** Columns at most. */
  private static final int MOST = 1024;
  /** Columns of all rows together, which bounds the size of the page. */
  private static final int CELLS = 16_384;
  private static final int NARROW = 64;

  static ChannelColumns of(int channels, int rows) {
    return new ChannelColumns(channels, Math.min(channels, Math.clamp(CELLS / rows, NARROW, MOST)));
  }

  /** What a column shows, in words, where several channels share it. */
  String words(String shown) {
    int most = (channels + columns - 1) / columns;
    return most == 1 ? "Every channel has its own column."
        : "Up to " + most + " neighbours share a column: it shows " + shown + ".";
  }

  private int column(int channel) {
    return (int) ((long) channel * columns / channels);
  }

  /** The highest value of each column's channels; null where none is finite. */
  List<Number> highest(double[] values) {
    double[] highest = new double[columns];
    Arrays.fill(highest, Double.NEGATIVE_INFINITY);
    for (int channel = 0; channel < channels; channel++) {
      if (Double.isFinite(values[channel])) {
        highest[column(channel)] = Math.max(highest[column(channel)], values[channel]);
      }
    }
    return Arrays.stream(highest).mapToObj(Numbers::rounded).toList();
  }

  /** The share of each column's channels of which something is true. */
  List<Number> shares(IntPredicate what) {
    int[] all = new int[columns];
    double[] those = new double[columns];
    for (int channel = 0; channel < channels; channel++) {
      all[column(channel)]++;
      those[column(channel)] += what.test(channel) ? 1 : 0;
    }
    return IntStream.range(0, columns).mapToObj(i -> Numbers.rounded(those[i] / all[i])).toList();
  }
}
