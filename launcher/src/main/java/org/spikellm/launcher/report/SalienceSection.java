package org.spikellm.launcher.report;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What each channel scored, and which became salient. */
final class SalienceSection {

  private static final String NORMALIZED = "its channels are those of the block's normalized input.";
  private static final String AFTER_ATTENTION = "its channels are those of the normalized stream after attention.";
  private static final String CACHED = "a channel for each place of each key/value head; scored by the attention itself, "
      + "whatever the detector.";
  private static final Map<String, String> READS = Map.of(
      "self_attn.q_proj", "Makes queries; " + NORMALIZED,
      "self_attn.k_proj", "Makes keys; " + NORMALIZED,
      "self_attn.v_proj", "Makes values; " + NORMALIZED,
      "self_attn.o_proj", "Makes the output of attention; its channels are those of all heads.",
      "mlp.gate_proj", "Makes the gate of the MLP; " + AFTER_ATTENTION,
      "mlp.up_proj", "Leads up into the MLP; " + AFTER_ATTENTION,
      "mlp.down_proj", "Leads down from the MLP; its channels are the inner ones.",
      LayerChannels.KEYS, "Keys as they are cached, " + CACHED,
      LayerChannels.VALUES, "Values as they are cached, " + CACHED);

  /** A curve's points: all channels of a small layer; of a large one so many along the low 90 %, and as many among the top. */
  private static final int POINTS = 32;
  private static final double TOP = 0.9;
  /** Scores below the highest by more than this factor are drawn at the lower end. */
  private static final double DEPTH = 1e5;
  private static final int LISTED = 8;

  private SalienceSection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "salience").element("h2", "Salience");
    boolean any = report.layers().stream().flatMap(List::stream).anyMatch(layer -> layer.salientCount() > 0);
    boolean scored = report.layers().stream().flatMap(List::stream).anyMatch(LayerChannels::scored);
    if (!any && !scored) {
      out.element("p", "No channel was scored and none is salient: with these options all channels are treated alike.");
      out.close().line();
      return;
    }
    out.element("p", "Some input channels of a layer matter more than others: a small error in them changes "
        + "the answer a lot. The detector " + report.provider("salience") + " gave each channel a score, and those with the highest scores became salient: "
        + "their neurons fire over more time steps, so that their values are told apart more finely. Every other channel is "
        + "plain.");
    out.element("p", "For each layer there is a map with a row a block and its channels from left to right: above, how high "
        + "they score; below, which are salient. A vertical line through many rows is a channel that matters in block after "
        + "block. Then come the same scores in order of size, a line a block: where a line stands steep at its right end, a "
        + "few channels matter far more than the rest. Scores that a logarithmic axis has no place for, of 0 and less, "
        + "stand at its lower edge.");
    legend(out);
    for (List<LayerChannels> rows : report.layers()) {
      layer(out, rows);
    }
    out.element("p", "Every score is in the file measured.json of the result; the classes are in its tensors.", "class", "note");
    out.close().line();
  }

  private static void legend(Markup out) {
    out.open("p", "class", "legend").text("Score, in multiples of the row's median: ");
    swatch(out, "l0", "below");
    for (int i = 0; i < ChannelMap.MULTIPLES.length; i++) {
      swatch(out, "l" + (i + 1), Numbers.three(ChannelMap.MULTIPLES[i]) + "×");
    }
    out.close().open("p", "class", "legend").text("Below it, how many of a column's channels are salient: ");
    for (int i = 0; i <= ChannelMap.SHARES; i++) {
      swatch(out, "s" + i, i == 0 ? "none" : i == ChannelMap.SHARES ? "all" : "up to " + 100 * i / ChannelMap.SHARES + " %");
    }
    out.close().line();
  }

  private static void swatch(Markup out, String name, String text) {
    out.open("span", "class", "swatch").element("i", "", "class", name).text(text).close().text(" ");
  }

  private static void layer(Markup out, List<LayerChannels> rows) {
    String name = rows.getFirst().layer();
    int channels = rows.getFirst().channels();
    boolean scored = rows.stream().anyMatch(LayerChannels::scored);
    out.open("article").element("h3", name);
    out.element("p", READS.getOrDefault(name, "") + " " + Numbers.whole(channels) + " channels in each block. " + classes(rows));
    ChannelMap map = new ChannelMap(rows);
    out.open("figure");
    map.draw(out, name + ": scores and salient channels, a row a block");
    out.element("figcaption", "A row a block. " + (map.channelsPerColumn() == 1 ? "Every channel has its own column."
        : "Up to " + map.channelsPerColumn() + " neighbours share a column: it shows the highest score of them, and the "
            + "share that is salient.")
       );
    out.close().line();
    if (scored) {
      out.open("figure");
      curves(out, rows);
      out.open("figcaption").text("Scores in order of size; the salient channels begin at the broken line. ");
      LossSection.legend(out);
      out.close().close().line();
    }
    table(out, rows);
    out.close().line();
  }

  private static String classes(List<LayerChannels> rows) {
    LayerChannels first = rows.getFirst();
    return IntStream.range(0, first.classes().size())
        .mapToObj(c -> (c == 0 ? "Plain" : first.classes().size() == 2 ? "Salient" : "Salient (class " + c + ")") + ": "
            + first.classes().get(c) + ".")
        .collect(Collectors.joining(" "));
  }

  private static void curves(Markup out, List<LayerChannels> rows) {
    double[] all = rows.stream().flatMapToDouble(row -> Arrays.stream(row.scores())).filter(Double::isFinite).toArray();
    double high = Arrays.stream(all).max().orElse(1);
    double[] shown = Arrays.stream(all).filter(score -> high <= 0 || score >= high / DEPTH).toArray();
    LineChart chart = new LineChart(out, 900, 260);
    Axis x = new Axis(0, 1, false, chart.left(), chart.right());
    chart.begin(rows.getFirst().layer() + ": scores in ascending order", x, Axis.fitting(shown, chart.bottom(), chart.top()));
    chart.axes("share of the channels, least salient first", List.of(0.0, 0.25, 0.5, 0.75, 0.9, 1.0), Numbers::percent, "score");
    double salient = rows.stream().mapToDouble(row -> row.salientCount() / (double) row.channels()).average().orElse(0);
    if (salient > 0) {
      String at = Numbers.at(x.at(1 - salient));
      out.empty("path", "class", "cut", "d", "M" + at + " " + Numbers.at(chart.top()) + "V" + Numbers.at(chart.bottom()));
    }
    for (LayerChannels row : rows) {
      double[] sorted = row.sorted();
      if (sorted.length > 0) {
        int[] points = points(sorted.length);
        double last = Math.max(1, sorted.length - 1);
        chart.line(new LineChart.Line("block " + row.block(), LossSection.hue(row.block(), rows.size()),
            Arrays.stream(points).mapToDouble(i -> i / last).toArray(),
            Arrays.stream(points).mapToDouble(i -> sorted[i]).toArray()));
      }
    }
    chart.end();
  }

  /** Which of {@code length} sorted scores are drawn. */
  static int[] points(int length) {
    if (length <= 2 * POINTS) {
      return IntStream.range(0, length).toArray();
    }
    int top = (int) (length * TOP);
    IntStream low = IntStream.range(0, POINTS).map(i -> (int) ((long) i * top / POINTS));
    IntStream high = IntStream.range(0, POINTS).map(i -> top + (int) ((long) i * (length - 1 - top) / (POINTS - 1)));
    return IntStream.concat(low, high).distinct().toArray();
  }

  private static void table(Markup out, List<LayerChannels> rows) {
    out.open("details").element("summary", "In numbers");
    out.open("table").open("thead").open("tr");
    for (String head : List.of("block", "salient", "share", "median score", "lowest salient", "highest", "channels that "
        + "score highest")) {
      out.element("th", head, "scope", "col");
    }
    out.close().close().open("tbody").line();
    for (LayerChannels row : rows) {
      double[] sorted = row.sorted();
      out.open("tr").element("th", String.valueOf(row.block()), "scope", "row");
      out.element("td", Numbers.whole(row.salientCount()))
          .element("td", Numbers.percent(row.salientCount() / (double) row.channels()));
      out.element("td", sorted.length == 0 ? "–" : Numbers.three(sorted[sorted.length / 2]));
      out.element("td", Numbers.three(lowestSalient(row)));
      out.element("td", sorted.length == 0 ? "–" : Numbers.three(sorted[sorted.length - 1]));
      out.element("td", highest(row), "class", "words").close().line();
    }
    out.close().close().close().line();
  }

  private static double lowestSalient(LayerChannels row) {
    if (!row.scored()) {
      return Double.NaN;
    }
    return IntStream.range(0, row.channels()).filter(row::salient).mapToDouble(c -> row.scores()[c]).min().orElse(Double.NaN);
  }

  private static String highest(LayerChannels row) {
    if (!row.scored()) {
      return "–";
    }
    return IntStream.range(0, row.channels()).boxed().filter(c -> Double.isFinite(row.scores()[c]))
        .sorted(Comparator.comparingDouble((Integer c) -> -row.scores()[c])).limit(LISTED).map(String::valueOf)
        .collect(Collectors.joining(", "));
  }
}
