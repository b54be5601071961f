package org.spikellm.launcher.report;

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
    out.open("figure");
    bars(out, before.value(), after.value());
    out.element("figcaption", "Measured on " + comparison.text() + ": " + Numbers.whole(after.windows()) + " windows of "
        + Numbers.whole(after.sequence()) + " tokens, the same for both. Few tokens tell large differences from none, not "
        + "small ones from each other; for a figure to publish, run spikellm evaluate on a longer text.");
    out.close();
    out.open("table").open("thead").open("tr");
    for (String head : new String[] {"", "perplexity", "windows", "tokens"}) {
      out.element("th", head, "scope", "col");
    }
    out.close().close().open("tbody");
    row(out, "float source", before);
    row(out, "spiking result", after);
    out.open("tr").element("th", "difference", "scope", "row")
        .element("td", difference(before.value(), after.value()), "colspan", "3").close();
    out.close().close().close().line();
  }

  static String difference(double before, double after) {
    return (after >= before ? "+" : "−") + Numbers.two(Math.abs(after - before)) + " (" + Numbers.change(before, after) + ")";
  }

  private static void row(Markup out, String name, Perplexity perplexity) {
    out.open("tr").element("th", name, "scope", "row").element("td", Numbers.two(perplexity.value()))
        .element("td", Numbers.whole(perplexity.windows())).element("td", Numbers.whole(perplexity.tokens())).close();
  }

  private static void bars(Markup out, double before, double after) {
    double most = Math.max(before, after);
    out.open("svg", "viewBox", "0 0 900 84", "role", "img", "aria-label", "Perplexity of the float source and of the "
        + "spiking result",
        "class", "bars");
    bar(out, 0, "float", before, most, "bar-float");
    bar(out, 42, "spiking", after, most, "bar-spiking");
    out.close().line();
  }

  private static void bar(Markup out, int y, String name, double value, double most, String style) {
    double width = Double.isFinite(most) && most > 0 ? Math.max(1, 680 * value / most) : 1;
    out.element("text", name, "x", "82", "y", String.valueOf(y + 19), "class", "tick y");
    out.empty("rect", "x", "90", "y", String.valueOf(y + 4), "width", Numbers.at(width), "height", "30", "rx", "3", "class",
        style);
    out.element("text", Numbers.two(value), "x", Numbers.at(98 + width), "y", String.valueOf(y + 19), "class", "value");
  }
}
