package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.Projection;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.RateHistogram;

/** Where a model fires: a map of firing rates for each layer, and how many channels fire at which rate. */
final class RateSection {

  private static final int COLUMNS = 384;
  private static final int CELLS = 16_384;
  private static final int NARROW = 64;
  private static final int LEVELS = 8;
  private static final byte EMPTY = -1;
  private static final int LEFT = 40;
  private static final int WIDTH = 900;
  private static final int PITCH = 14;
  private static final int AXIS = 20;

  private RateSection() {}

  static void write(Markup out, String model, Cost cost) {
    out.open("section", "class", "rates").element("h2", "Where it fires: " + model);
    out.element("p", "The firing rate of a channel is the spikes that its neuron fired over the most it could have fired, "
        + "over all tokens. "
        + "Neurons without a sign hold a zero point: a value of 0 is then a count in the middle of the range, not silence.");
    histogram(out, cost.histogram());
    out.element("p", "A map for each layer, a row a block, its input channels from left to right. Neighbours share a column "
        + "where "
        + "there are more channels than columns; it shows the highest rate of them.");
    legend(out);
    for (Projection projection : Projection.values()) {
      map(out, cost, projection);
    }
    out.close().line();
  }

  private static void legend(Markup out) {
    out.open("p", "class", "legend").text("Firing rate: ");
    for (int level = 0; level <= LEVELS; level++) {
      out.open("span", "class", "swatch").element("i", "", "class", "l" + level)
          .text(level == 0 ? "never" : "to " + Numbers.percent(level / (double) LEVELS)).close().text(" ");
    }
    out.close().line();
  }

  private static void map(Markup out, Cost cost, Projection projection) {
    int blocks = cost.layers().size();
    List<double[]> rows = new ArrayList<>();
    for (int block = 0; block < blocks; block++) {
      rows.add(cost.channelRates(block, projection));
    }
    int channels = rows.stream().mapToInt(rates -> rates.length).max().orElse(0);
    if (channels == 0) {
      return;  // its inputs stay in float
    }
    int columns = Math.min(channels, Math.clamp(CELLS / blocks, NARROW, COLUMNS));
    byte[][] levels = new byte[blocks][];
    for (int block = 0; block < blocks; block++) {
      levels[block] = levels(rows.get(block), columns);
    }
    int height = blocks * PITCH;
    out.open("figure").open("svg", "viewBox", "0 0 " + (LEFT + WIDTH + 4) + " " + (height + AXIS), "role", "img", "aria-label",
        "Firing rates of " + projection.tensorName() + ", a row a block", "class", "map");
    for (int block = 0; block < blocks; block += blocks <= 40 ? 1 : 5) {
      out.element("text", String.valueOf(block), "x", String.valueOf(LEFT - 6), "y", Numbers.at((block + 0.5) * PITCH), "class",
          "tick y");
    }
    out.open("g", "transform", "translate(" + LEFT + " 0) scale(" + WIDTH / (double) columns + " 1)");
    Strips.draw(out, levels, PITCH, PITCH - 2, 1, "l", LEVELS);
    out.close();
    for (double tick : new Axis(0, channels, false, LEFT, LEFT + WIDTH).ticks()) {
      out.element("text", Numbers.whole(Math.round(tick)), "x", Numbers.at(LEFT + tick / channels * WIDTH), "y",
          String.valueOf(height + 13), "class", "tick x");
    }
    out.close().element("figcaption", projection.tensorName() + ": " + Numbers.whole(channels) + " channels in each of "
        + blocks + (blocks == 1 ? " block" : " blocks")).close().line();
  }

  /**
   * {@link #EMPTY} where nothing is encoded, 0 where none of a column's channels fired, else eighths of the highest rate,
   * rounded up.
   */
  private static byte[] levels(double[] rates, int columns) {
    byte[] levels = new byte[columns];
    if (rates.length == 0) {
      Arrays.fill(levels, EMPTY);
    }
    for (int channel = 0; channel < rates.length; channel++) {
      int column = (int) ((long) channel * columns / rates.length);
      levels[column] = (byte) Math.max(levels[column], (int) Math.ceil(rates[channel] * LEVELS));
    }
    return levels;
  }

  private static void histogram(Markup out, RateHistogram rates) {
    int width = 860;
    int height = 150;
    long most = 1;
    for (long count : rates.counts()) {
      most = Math.max(most, count);
    }
    out.open("figure").open("svg", "viewBox", "0 0 900 " + (height + 46), "role", "img", "aria-label",
        "Channels by firing rate", "class", "chart");
    double bar = width / (double) RateHistogram.BINS;
    for (int i = 0; i < RateHistogram.BINS; i++) {
      double tall = rates.counts()[i] * (double) height / most;
      double x = LEFT + i * bar;
      out.empty("rect", "x", Numbers.at(x + 2), "y", Numbers.at(20 + height - tall), "width", Numbers.at(bar - 4), "height",
          Numbers.at(tall), "class", "bar-spiking");
      out.element("text", Numbers.whole(rates.counts()[i]), "x", Numbers.at(x + bar / 2), "y", Numbers.at(14 + height - tall),
            "class", "tick x");
      out.element("text", i * 10 + "–" + (i + 1) * 10 + " %", "x", Numbers.at(x + bar / 2), "y", String.valueOf(height + 38),
            "class", "tick x");
    }
    out.close().element("figcaption", "How many of all layers' " + Numbers.whole(rates.channels())
        + " input channels fire at which rate; "
        + Numbers.whole(rates.silent()) + " of the first bar never fired.").close().line();
  }
}
