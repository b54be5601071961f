package org.spikellm.launcher.report;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.spikellm.model.Json;

/**
 * A chart: what it shows in words, and its data as JSON beside it, from which charts.js draws it. Where scripts are off,
 * the words and the tables of the page remain.
 */
final class Chart {

  /** From this factor between the largest and the smallest value on, a linear axis would press the small ones flat. */
  private static final double WIDE = 8;
  /** What HTML could take for its own, though inside a script, and line ends that JSON and older JavaScript differ on. */
  private static final Map<String, String> ESCAPES = Map.of("<", "\\u003c", ">", "\\u003e", "&", "\\u0026", "\u2028", "\\u2028",
      "\u2029", "\\u2029");

  private final Map<String, Object> data = new LinkedHashMap<>();
  private final String title;

  /**
   * A chart without data.
   *
   * @param kind the function of charts.js that draws it
   * @param title what it shows
   */
  Chart(String kind, String title) {
    this.title = title;
    data.put("kind", kind);
    data.put("title", title);
  }

  /** Data of a name: numbers, strings, booleans, lists and maps of them. */
  Chart with(String name, Object value) {
    data.put(name, value);
    return this;
  }

  /**
   * An axis of numbers.
   *
   * @param name axis: {@code x} or {@code y}
   * @param words what it counts
   * @param unit {@code number}, {@code whole} (a count) or {@code percent} (of values that are shares)
   * @param values all that have to find a place: where they are positive and far apart the axis is logarithmic
   */
  Chart axis(String name, String words, String unit, double... values) {
    double low = DoubleStream.of(values).filter(Double::isFinite).min().orElse(0);
    double high = DoubleStream.of(values).filter(Double::isFinite).max().orElse(0);
    // Powers of 2 are ticks near enough to each other for all but the widest ranges.
    int base = low <= 0 || high / low <= WIDE ? 0 : high / low < 200 ? 2 : 10;
    return with(name, Map.of("name", base > 0 ? words + ", logarithmic" : words, "unit", unit, "logarithmic", base));
  }

  /** Writes the chart as a figure with a line below it. */
  void write(Markup out, String caption) {
    out.open("figure").element("div", "", "class", "chart", "role", "img", "aria-label", title);
    out.open("script", "type", "application/json").raw(json(data)).close().line();
    out.open("figcaption").element("strong", title + ".").text(" " + caption).close().close().line();
  }

  private static String json(Object value) {
    String json = Json.write(value);
    for (Map.Entry<String, String> escape : ESCAPES.entrySet()) {
      json = json.replace(escape.getKey(), escape.getValue());
    }
    return Markup.printable(json);
  }

  /** Points of a line or a cloud, each {@code [x, y]}. */
  static List<List<Number>> points(double[] x, double[] y) {
    return IntStream.range(0, x.length).mapToObj(i -> Arrays.asList(Numbers.rounded(x[i]),
        Numbers.rounded(y[i]))).toList();
  }
}
