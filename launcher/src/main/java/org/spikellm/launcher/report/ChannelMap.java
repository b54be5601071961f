package org.spikellm.launcher.report;

import java.util.Arrays;
import java.util.List;

/**
 * One layer of all blocks as a map: a row a block, channels from left to right in their own order. A row has two strips: how
 * high the channels score, in multiples of the median score of their row, and under it which are salient. Where there are more
 * channels than columns, neighbours share one, which shows the highest score of them and the share that is salient.
 */
final class ChannelMap {

  /** From these multiples of the median on, a score has the next colour. */
  static final double[] MULTIPLES = {1, 1.5, 2, 3, 5, 10, 30, 100};
  /** Shares of salient channels are told apart by quarters. */
  static final int SHARES = 4;
  private static final int COLUMNS = 384;
  /** Columns of all rows together, which bounds the size of the page. */
  private static final int CELLS = 16_384;
  private static final int LEFT = 40;
  private static final int WIDTH = 900;
  private static final int NARROW = 64;
  private static final int SCORE = 8;
  private static final int MARK = 4;
  static final int PITCH = 14;
  private static final int TOP = 4;
  private static final int AXIS = 20;

  private final List<LayerChannels> rows;
  private final int channels;
  private final int columns;

  ChannelMap(List<LayerChannels> rows) {
    this.rows = rows;
    channels = rows.getFirst().channels();
    columns = Math.min(channels, Math.clamp(CELLS / rows.size(), NARROW, COLUMNS));
  }

  /** Channels that share a column, at most. */
  int channelsPerColumn() {
    return (channels + columns - 1) / columns;
  }

  void draw(Markup out, String label) {
    int height = rows.size() * PITCH;
    out.open("svg", "viewBox", "0 0 " + (LEFT + WIDTH + 4) + " " + (TOP + height + AXIS), "role", "img", "aria-label", label,
        "class", "map");
    int every = rows.size() <= 40 ? 1 : 5;
    for (int r = 0; r < rows.size(); r += every) {
      out.element("text", String.valueOf(rows.get(r).block()), "x", String.valueOf(LEFT - 6), "y",
          Numbers.at(TOP + r * PITCH + (SCORE + MARK) / 2.0), "class", "tick y");
    }
    out.open("g", "transform", "translate(" + LEFT + " " + TOP + ") scale(" + WIDTH / (double) columns + " 1)");
    strips(out);
    out.close();
    for (double tick : new Axis(0, channels, false, LEFT, LEFT + WIDTH).ticks()) {
      out.element("text", Numbers.whole(Math.round(tick)), "x", Numbers.at(LEFT + tick / channels * WIDTH), "y",
          String.valueOf(TOP + height + 13), "class", "tick x");
    }
    out.close().line();
  }

  private void strips(Markup out) {
    byte[][] levels = new byte[rows.size()][];
    byte[][] marks = new byte[rows.size()][];
    for (int r = 0; r < rows.size(); r++) {
      levels[r] = levels(rows.get(r));
      marks[r] = marks(rows.get(r));
    }
    Strips.draw(out, levels, PITCH, SCORE, 0, "l", MULTIPLES.length);
    Strips.draw(out, marks, PITCH, MARK, SCORE, "s", SHARES);
  }

  /** The colour of each column: how many of {@link #MULTIPLES} its highest score reaches. */
  private byte[] levels(LayerChannels row) {
    byte[] levels = new byte[columns];
    double[] positive = Arrays.stream(row.sorted()).filter(score -> score > 0).toArray();
    if (!row.scored() || positive.length == 0) {
      return levels;
    }
    double median = positive[positive.length / 2];
    for (int channel = 0; channel < channels; channel++) {
      int level = 0;
      while (level < MULTIPLES.length && row.scores()[channel] >= MULTIPLES[level] * median) {
        level++;
      }
      int column = column(channel);
      levels[column] = (byte) Math.max(levels[column], level);
    }
    return levels;
  }

  /** The share of each column's channels that is salient: 0 for none, then quarters, rounded up. */
  private byte[] marks(LayerChannels row) {
    int[] salient = new int[columns];
    int[] all = new int[columns];
    for (int channel = 0; channel < channels; channel++) {
      all[column(channel)]++;
      salient[column(channel)] += row.salient(channel) ? 1 : 0;
    }
    byte[] marks = new byte[columns];
    for (int i = 0; i < columns; i++) {
      marks[i] = (byte) ((salient[i] * SHARES + all[i] - 1) / all[i]);
    }
    return marks;
  }

  private int column(int channel) {
    return (int) ((long) channel * columns / channels);
  }
}
