package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.launcher.workflow.BlockRecord;

/** How the error of each block fell while it was trained. */
final class LossSection {

  private static final int MOST_TICKS = 10;

  private LossSection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "losses").element("h2", "Training loss");
    List<BlockRecord> blocks = report.blocks();
    List<LineChart.Line> lines = new ArrayList<>();
    for (int b = 0; b < blocks.size(); b++) {
      double[] losses = blocks.get(b).losses().stream().mapToDouble(Double::doubleValue).toArray();
      if (losses.length > 0) {
        double[] epochs = IntStream.rangeClosed(1, losses.length).asDoubleStream().toArray();
        lines.add(new LineChart.Line("block " + b + ": " + change(losses), hue(b, blocks.size()), epochs, losses));
      }
    }
    if (lines.isEmpty()) {
      out.element("p", "There are no curves: the pipeline " + report.provider("pipeline")
          + " computed its weights in one pass over each block and trained nothing.");
      out.close().line();
      return;
    }
    out.element("p", "Each block was trained on its own to answer as the float block does. The loss says how far it is from "
        + "that (with omniquant, it is the mean squared difference of the two answers); a point is its mean over all "
        + "calibration windows in one epoch. Later blocks usually have a larger loss, since their inputs are larger and "
        + "already carry the errors of the blocks before.");
    all(out, lines);
    out.element("h3", "Block by block");
    out.element("p", "The same curves, each on its own scale: what matters is whether a curve falls and has come to rest.");
    out.open("div", "class", "small");
    for (LineChart.Line line : lines) {
      small(out, line);
    }
    out.close();
    if (lines.size() < blocks.size()) {
      out.element("p", blocks.size() - lines.size() + " of " + blocks.size() + " blocks have no curve: nothing was trained "
          + "in them.");
    }
    out.close().line();
  }

  private static void all(Markup out, List<LineChart.Line> lines) {
    LineChart chart = new LineChart(out, 900, 380);
    double[] values = lines.stream().flatMapToDouble(line -> Arrays.stream(line.y())).toArray();
    int epochs = lines.stream().mapToInt(line -> line.y().length).max().orElse(1);
    out.open("figure");
    chart.begin("Mean loss of each epoch, a line a block", epochs(epochs, chart),
        Axis.fitting(values, chart.bottom(), chart.top()));
    int stride = (epochs + MOST_TICKS - 1) / MOST_TICKS;
    List<Double> ticks = IntStream.rangeClosed(1, epochs).filter(e -> (e - 1) % stride == 0).asDoubleStream().boxed().toList();
    chart.axes("epoch", ticks, tick -> String.valueOf(Math.round(tick)), "mean loss");
    lines.forEach(chart::line);
    chart.end();
    out.open("figcaption").text("Mean loss of each epoch, a line a block. ");
    legend(out);
    out.close().close().line();
  }

  private static Axis epochs(int epochs, LineChart chart) {
    return new Axis(1, Math.max(2, epochs), false, chart.left(), chart.right());
  }

  /** What the colours of lines mean. */
  static void legend(Markup out) {
    out.open("span", "class", "ramp").text("first block ").element("i", "", "class", "bar").text(" last block").close();
  }

  private static void small(Markup out, LineChart.Line line) {
    Axis x = new Axis(1, Math.max(2, line.y().length), false, 3, 157);
    double[] y = line.y();
    Axis fitted = Axis.fitting(y, 57, 3);
    Axis linear = fitted.logarithmic() ? new Axis(0, fitted.high(), false, 57, 3) : fitted;
    StringBuilder points = new StringBuilder();
    for (int i = 0; i < y.length; i++) {
      if (Double.isFinite(y[i])) {
        points.append(points.isEmpty() ? "M" : "L").append(Numbers.at(x.at(i + 1))).append(' ')
            .append(Numbers.at(linear.at(y[i])));
      }
    }
    out.open("figure").open("svg", "viewBox", "0 0 160 60", "role", "img", "aria-label", line.label(), "class", "spark");
    if (!points.isEmpty()) {
      out.empty("path", "class", "line", "stroke", LineChart.colour(line.hue()), "d", points + "h0.1");
    }
    out.close().element("figcaption", line.label()).close().line();
  }

  /** First and last loss in words. */
  private static String change(double[] losses) {
    double first = losses[0];
    double last = losses[losses.length - 1];
    return Numbers.three(first) + " → " + Numbers.three(last) + " (" + Numbers.change(first, last) + ")";
  }

  static double hue(int block, int blocks) {
    return blocks < 2 ? 0 : block / (blocks - 1.0);
  }
}
