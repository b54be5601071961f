package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.spikellm.api.Projection;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.RateHistogram;

/** Where a model fires: a map of firing rates for each layer, and how many channels fire at which rate. */
final class RateSection {

  private RateSection() {}

  static void write(Markup out, String model, Cost cost) {
    out.open("section", "class", "rates").element("h2", "Where it fires: " + model);
    out.element("p", "The firing rate of a channel is the spikes that its neuron fired over the most it could have fired, "
        + "over all tokens. "
        + "Neurons without a sign hold a zero point: a value of 0 is then a count in the middle of the range, not silence.");
    histogram(out, cost.histogram());
    out.element("p", "A map for each layer, a row a block, its input channels from left to right.");
    List<List<String>> rows = new ArrayList<>();
    for (Projection projection : Projection.values()) {
      layer(out, cost, projection, rows);
    }
    new FigureTable("Firing rates in numbers", "", 1, List.of("layer", "block", "channels", "mean rate", "highest", "silent"),
        rows).write(out);
    out.close().line();
  }

  private static void layer(Markup out, Cost cost, Projection projection, List<List<String>> table) {
    int blocks = cost.layers().size();
    List<double[]> rates = IntStream.range(0, blocks).mapToObj(block -> cost.channelRates(block, projection)).toList();
    int channels = rates.stream().mapToInt(row -> row.length).max().orElse(0);
    if (channels == 0) {
      return;  // its inputs stay in float
    }
    String name = projection.tensorName();
    ChannelColumns columns = ChannelColumns.of(channels, blocks);
    new Chart("map", "Firing rates of " + name).with("row", "block").with("column", "channel")
        .with("columns", columns.columns()).with("channels", channels)
        .with("parts", List.of(Map.of("name", "firing rate", "unit", "percent", "scale", 0,
            "rows", IntStream.range(0, blocks).mapToObj(String::valueOf).toList(),
            "values", rates.stream().map(row -> row.length == 0 ? List.of() : columns.highest(row)).toList())))
        .with("scales", List.of(Map.of("low", 0, "high", 1, "logarithmic", false, "colours", "l", "percent", true)))
        .write(out, Numbers.whole(channels) + " channels in each of " + blocks + (blocks == 1 ? " block. " : " blocks. ")
            + columns.words("the highest rate of them"));
    for (int block = 0; block < blocks; block++) {
      double[] row = rates.get(block);
      if (row.length > 0) {
        table.add(List.of(name, String.valueOf(block), Numbers.whole(row.length),
            Numbers.percent(Arrays.stream(row).average().orElse(0)), Numbers.percent(Arrays.stream(row).max().orElse(0)),
            Numbers.whole(Arrays.stream(row).filter(rate -> rate == 0).count())));
      }
    }
  }

  private static void histogram(Markup out, RateHistogram rates) {
    List<String> bins = IntStream.range(0, RateHistogram.BINS).mapToObj(i -> i * 10 + "–" + (i + 1) * 10 + " %").toList();
    List<Long> counts = LongStream.of(rates.counts()).boxed().toList();
    new Chart("columns", "Channels by firing rate").with("categories", bins).axis("x", "firing rate", "number")
        .axis("y", "channels", "whole").with("series", List.of(Map.of("name", "channels", "values", counts))).with("labels", true)
        .write(out, "How many of all layers' " + Numbers.whole(rates.channels()) + " input channels fire at which rate; "
            + Numbers.whole(rates.silent()) + " of the first bar never fired.");
    out.open("details").element("summary", "In numbers");
    new FigureTable("", "", 1, List.of("firing rate", "channels"), IntStream.range(0, RateHistogram.BINS)
        .mapToObj(i -> List.of(bins.get(i), Numbers.whole(counts.get(i)))).toList()).write(out);
    out.close();
  }
}
