package org.spikellm.launcher.report;

import java.util.ArrayList;
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
  /** From this multiple of the median on, scores have the last colour. */
  private static final int HIGHEST_MULTIPLE = 100;

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
        + "the answer a lot. The detector " + report.provider("salience") + " gave each channel a score, and those with the "
        + "highest scores became salient: "
        + "their neurons fire over more time steps, so that their values are told apart more finely. Every other channel is "
        + "plain.");
    out.element("p", "For each layer there is a map with a row a block and its channels from left to right: above, how high "
        + "they score in multiples of the median of their row; below, which are salient. A vertical line through many rows is a "
        + "channel that matters in block after block. Then come the same scores in order of size, a line a block: where a line "
        + "stands steep at its right end, a few channels matter far more than the rest. Scores that a logarithmic axis has no "
        + "place for, of 0 and less, stand at its lower edge.");
    for (List<LayerChannels> rows : report.layers()) {
      layer(out, rows);
    }
    out.element("p", "Every score is in the file measured.json of the result; the classes are in its tensors.", "class", "note");
    out.close().line();
  }

  private static void layer(Markup out, List<LayerChannels> rows) {
    String name = rows.getFirst().layer();
    int channels = rows.getFirst().channels();
    out.open("article").element("h3", name);
    out.element("p", READS.getOrDefault(name, "") + " " + Numbers.whole(channels) + " channels in each block. " + classes(rows));
    map(out, rows);
    if (rows.stream().anyMatch(LayerChannels::scored)) {
      curves(out, rows);
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

  private static void map(Markup out, List<LayerChannels> rows) {
    LayerChannels first = rows.getFirst();
    ChannelColumns columns = ChannelColumns.of(first.channels(), rows.size());
    List<String> blocks = rows.stream().map(row -> String.valueOf(row.block())).toList();
    List<Map<String, Object>> parts = new ArrayList<>();
    if (rows.stream().anyMatch(LayerChannels::scored)) {
      parts.add(Map.of("name", "score, × the median", "unit", "×", "scale", 0, "rows", blocks, "values",
          rows.stream().map(row -> multiples(row, columns)).toList()));
    }
    parts.add(Map.of("name", "salient", "unit", "salient", "scale", 1, "rows", blocks, "values",
        rows.stream().map(row -> columns.shares(row::salient)).toList()));
    new Chart("map", first.layer() + ": channels by block").with("row", "block").with("column", "channel")
        .with("columns", columns.columns()).with("channels", columns.channels()).with("parts", parts)
        .with("scales", List.of(Map.of("low", 1, "high", HIGHEST_MULTIPLE, "logarithmic", true, "colours", "l"),
            Map.of("low", 0, "high", 1, "logarithmic", false, "colours", "s")))
        .write(out, "A row a block. " + columns.words("the highest score of them, and the share that is salient"));
  }

  /** The highest score of each column, in multiples of the row's median. */
  private static List<Number> multiples(LayerChannels row, ChannelColumns columns) {
    double[] positive = Arrays.stream(row.sorted()).filter(score -> score > 0).toArray();
    if (!row.scored() || positive.length == 0) {
      return List.of();
    }
    double median = positive[positive.length / 2];
    return columns.highest(Arrays.stream(row.scores()).map(score -> score / median).toArray());
  }

  private static void curves(Markup out, List<LayerChannels> rows) {
    double[] all = rows.stream().flatMapToDouble(row -> Arrays.stream(row.scores())).filter(Double::isFinite).toArray();
    double high = Arrays.stream(all).max().orElse(1);
    double[] shown = Arrays.stream(all).filter(score -> high <= 0 || score >= high / DEPTH).toArray();
    double low = Arrays.stream(shown).min().orElse(0);
    List<Map<String, Object>> lines = new ArrayList<>();
    for (LayerChannels row : rows) {
      double[] sorted = row.sorted();
      if (sorted.length > 0) {
        int[] points = points(sorted.length);
        double last = Math.max(1, sorted.length - 1);
        lines.add(Map.of("name", "block " + row.block(), "points", Chart.points(
            Arrays.stream(points).mapToDouble(i -> i / last).toArray(),
            Arrays.stream(points).mapToDouble(i -> Math.max(low, sorted[i])).toArray())));
      }
    }
    double salient = rows.stream().mapToDouble(row -> row.salientCount() / (double) row.channels()).average().orElse(0);
    new Chart("lines", rows.getFirst().layer() + ": scores in order of size")
        .axis("x", "share of the channels, least salient first", "percent").axis("y", "score", "number", shown)
        .with("series", lines).with("mark", salient > 0 ? Numbers.rounded(1 - salient) : null)
        .write(out, salient > 0 ? "The salient channels begin at the broken line." : "");
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
    List<List<String>> cells = new ArrayList<>();
    for (LayerChannels row : rows) {
      double[] sorted = row.sorted();
      cells.add(List.of(String.valueOf(row.block()), Numbers.whole(row.salientCount()),
          Numbers.percent(row.salientCount() / (double) row.channels()),
          sorted.length == 0 ? "–" : Numbers.three(sorted[sorted.length / 2]), Numbers.three(lowestSalient(row)),
          sorted.length == 0 ? "–" : Numbers.three(sorted[sorted.length - 1]), highest(row)));
    }
    out.open("details").element("summary", "In numbers");
    new FigureTable("", "", 0, List.of("block", "salient", "share", "median score", "lowest salient", "highest",
        "channels that score highest"), cells).write(out);
    out.close();
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
