package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** What quality costs: every model by its energy and its quality, and those that no other one beats in both. */
final class ParetoSection {

  private static final double MICRO = 1e6;
  private ParetoSection() {}

  static void write(Markup out, List<Pareto> paretos, String energyTable) {
    List<Pareto> shown = paretos.stream().map(pareto -> new Pareto(pareto.quality(), pareto.lower(),
        pareto.points().stream().filter(p -> Double.isFinite(p.quality()) && p.joules() > 0).toList()))
        .filter(pareto -> pareto.points().size() > 1).toList();
    if (shown.isEmpty()) {
      return;
    }
    out.open("section", "id", "pareto").element("h2", "Quality and energy");
    out.element("p", "Each point is a model: to the left it takes less energy a token. Through the line go the models that no "
        + "other beats in both. Energy is an estimate of the linear layers' arithmetic by the table '" + energyTable
        + "'; numbers are those of the table below.");
    shown.forEach(pareto -> write(out, pareto));
    out.close().line();
  }

  private static void write(Markup out, Pareto pareto) {
    List<ParetoPoint> points = pareto.points();
    List<ParetoPoint> front = front(points, pareto.lower());
    List<Map<String, Object>> cloud = new ArrayList<>();
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      ParetoPoint point = points.get(i);
      boolean best = front.contains(point);
      cloud.add(Map.of("name", point.name(), "best", best, "at", at(point)));
      rows.add(List.of(String.valueOf(i + 1), point.name(), Numbers.three(point.joules() * MICRO),
          pareto.lower() ? Numbers.two(point.quality()) : Numbers.percent(point.quality()), best ? "yes" : "no"));
    }
    new Chart("cloud", "Energy a token against " + pareto.quality()).with("points", cloud)
        .axis("x", "µJ a token, estimated", "number", points.stream().mapToDouble(p -> p.joules() * MICRO).toArray())
        .axis("y", pareto.quality(), pareto.lower() ? "number" : "percent",
            points.stream().mapToDouble(ParetoPoint::quality).toArray())
        .with("line", front.stream().map(ParetoSection::at).toList())
        .write(out, (pareto.lower() ? "Further down a model is less surprised by the text."
            : "Further up a model is right more often.") + " The line joins the best.");
    new FigureTable("In numbers", "", 2, List.of("no.", "model", "µJ a token", pareto.quality(), "on the line"), rows).write(out);
  }

  private static List<Number> at(ParetoPoint point) {
    return List.of(Numbers.rounded(point.joules() * MICRO), Numbers.rounded(point.quality()));
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
}
