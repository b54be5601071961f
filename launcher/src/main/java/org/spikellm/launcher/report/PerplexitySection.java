package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.model.Perplexity;

/** What the quantization cost in quality. */
final class PerplexitySection {

  private PerplexitySection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "perplexity").element("h2", "Perplexity");
    Comparison comparison = report.comparison();
    if (comparison.failure() != null) {
      out.element("p", "It was not measured: " + comparison.failure(), "class", "warning");
      out.close().line();
      return;
    }
    Perplexity before = comparison.before();
    Perplexity after = comparison.after();
    out.element("p", "Perplexity says how surprised a model is by a text it has not seen: at 10 it is as unsure of the next "
        + "token as if it had to guess among ten. Lower is better; the spiking model is good where it stays near the float one.");
    List<String> windows = new ArrayList<>(List.of("all"));
    IntStream.rangeClosed(1, after.windows()).forEach(window -> windows.add(String.valueOf(window)));
    new Chart("columns", "Perplexity of all windows and of each").with("categories", windows)
        .axis("x", "window", "number").axis("y", "perplexity", "number")
        .with("series", List.of(bars("float source", before), bars("spiking result", after)))
        .write(out, "Measured on " + comparison.text() + ": " + Numbers.whole(after.windows()) + " windows of "
            + Numbers.whole(after.sequence()) + " tokens, the same for both. Few tokens tell large differences from none, not "
            + "small ones from each other; for a figure to publish, run spikellm evaluate on a longer text.");
    new FigureTable("In numbers", "", 1, List.of("", "perplexity", "windows", "tokens", "best window", "worst window"),
        List.of(row("float source", before), row("spiking result", after),
            List.of("difference", difference(before.value(), after.value())))).write(out);
    out.close().line();
  }

  static String difference(double before, double after) {
    return (after >= before ? "+" : "−") + Numbers.two(Math.abs(after - before)) + " (" + Numbers.change(before, after) + ")";
  }

  private static Map<String, Object> bars(String name, Perplexity perplexity) {
    List<Number> values = new ArrayList<>();
    values.add(Numbers.rounded(perplexity.value()));
    perplexity.losses().forEach(loss -> values.add(Numbers.rounded(Math.exp(loss))));
    return Map.of("name", name, "values", values);
  }

  private static List<String> row(String name, Perplexity perplexity) {
    var windows = perplexity.losses().stream().mapToDouble(Math::exp).summaryStatistics();
    return List.of(name, Numbers.two(perplexity.value()), Numbers.whole(perplexity.windows()), Numbers.whole(perplexity.tokens()),
        Numbers.two(windows.getMin()), Numbers.two(windows.getMax()));
  }
}
