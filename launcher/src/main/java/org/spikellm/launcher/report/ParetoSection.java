package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What quality costs: every model by its energy and its quality, and those that no other one beats in both. */
final class ParetoSection {

  private static final double MICRO = 1e6;
  /** Room between the outermost points and the edges. */
  private static final double MARGIN = 1.12;
  private static final double LABEL_WIDTH = 16;
  private static final double LABEL_HEIGHT = 12;

  private ParetoSection() {}

  /**
   * Writes it.
   *
   * @param quality what it is, in words
   * @param lower whether less of it is better
   */
  static void write(Markup out, List<ParetoPoint> points, String quality, boolean lower, String energyTable) {
    List<ParetoPoint> finite = points.stream().filter(p -> Double.isFinite(p.quality()) && p.joules() > 0).toList();
    if (finite.isEmpty()) {
      return;
    }
    List<ParetoPoint> front = front(finite, lower);
    out.open("section", "id", "pareto").element("h2", "Quality and energy");
    out.element("p", "Each point is a model: to the left it takes less energy a token, "
        + (lower ? "further down it is less surprised by the text" : "further up it is right more often")
        + ". Through the line go the models that no other beats in both. Energy is an estimate of the linear layers' "
            + "arithmetic by the table '"
        + energyTable + "'; numbers are those of the table below.");
    out.open("figure");
    chart(out, finite, front, quality, lower);
    out.element("figcaption", "Energy a token against " + quality + "; the line joins the best.").close();
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < finite.size(); i++) {
      ParetoPoint point = finite.get(i);
      rows.add(List.of(String.valueOf(i + 1), point.name(), Numbers.three(point.joules() * MICRO),
          lower ? Numbers.two(point.quality()) : Numbers.percent(point.quality()), front.contains(point) ? "yes" : "no"));
    }
    new FigureTable("In numbers", "", 2, List.of("no.", "model", "µJ a token", quality, "on the line"), rows).write(out);
    out.close().line();
  }

  /** The points that no other one equals or beats in both, from the one that takes least. */
  static List<ParetoPoint> front(List<ParetoPoint> points, boolean lower) {
    Comparator<ParetoPoint> better = Comparator.comparingDouble(p -> lower ? p.quality() : -p.quality());
    List<ParetoPoint> front = new ArrayList<>();
    for (ParetoPoint point : points.stream().sorted(Comparator.comparingDouble(ParetoPoint::joules).thenComparing(better))
        .toList()) {
      if (front.isEmpty() || better.compare(point, front.getLast()) < 0) {
        front.add(point);
      }
    }
    return front;
  }

  private static void chart(Markup out, List<ParetoPoint> points, List<ParetoPoint> front, String quality, boolean lower) {
    LineChart chart = new LineChart(out, 900, 420);
    Axis x = axis(points.stream().mapToDouble(p -> p.joules() * MICRO).toArray(), chart.left(), chart.right());
    Axis y = axis(points.stream().mapToDouble(ParetoPoint::quality).toArray(), chart.bottom(), chart.top());
    chart.begin("Energy a token against " + quality, x, y);
    chart.axes("µJ a token, estimated" + (x.logarithmic() ? ", logarithmic" : ""), x.ticks(), Numbers::three, quality);
    if (front.size() > 1) {
      chart.line(new LineChart.Line("the best", 1, front.stream().mapToDouble(p -> p.joules() * MICRO).toArray(),
          front.stream().mapToDouble(ParetoPoint::quality).toArray()));
    }
    List<double[]> labels = new ArrayList<>();
    for (boolean best : new boolean[] {true, false}) {
      for (int i = 0; i < points.size(); i++) {
        if (front.contains(points.get(i)) == best) {
          point(out, points.get(i), i + 1, best, x.at(points.get(i).joules() * MICRO), y.at(points.get(i).quality()), labels);
        }
      }
    }
    chart.end();
  }

  /** A point, and its number where that does not cover another's. */
  private static void point(Markup out, ParetoPoint point, int number, boolean best, double x, double y, List<double[]> labels) {
    String at = Numbers.at(x);
    out.open("path", "class", best ? "dot best" : "dot", "d", "M" + at + " " + Numbers.at(y) + "h0.1");
    out.element("title", number + ", " + point.name() + ": " + Numbers.three(point.joules() * MICRO) + " µJ, "
        + Numbers.three(point.quality())).close();
    if (labels.stream().noneMatch(label -> Math.abs(label[0] - x) < LABEL_WIDTH && Math.abs(label[1] - y) < LABEL_HEIGHT)) {
      labels.add(new double[] {x, y});
      out.element("text", String.valueOf(number), "x", at, "y", Numbers.at(y - 11), "class", "tick x").line();
    }
  }

  private static Axis axis(double[] values, double from, double to) {
    Axis axis = Axis.fitting(values, from, to);
    return axis.logarithmic() ? new Axis(axis.low() / MARGIN, axis.high() * MARGIN, true, from, to) : axis;
  }
}
