package org.spikellm.launcher.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.spikellm.launcher.report.FigureTable;
import org.spikellm.launcher.report.Measures;
import org.spikellm.launcher.report.Pareto;
import org.spikellm.launcher.report.ParetoPoint;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.SpikeRaster;

/**
 * The page about models that were evaluated side by side.
 *
 * @param results a model each
 * @param costs what each did meanwhile, by model
 * @param energy table of the estimates
 */
record EvaluationPage(List<Evaluated> results, Map<String, Cost> costs, EnergyTable energy) {

  Measures measures(Map<String, SpikeRaster> rasters) {
    Evaluated first = results.getFirst();
    Map<String, Cost> spiking = new LinkedHashMap<>();
    for (Evaluated result : results) {
      Cost cost = costs.get(result.model());
      if (cost.total().spikes() > 0) {
        spiking.put(result.model(), cost);
      }
    }
    return new Measures(results.size() == 1 ? "What " + first.model() + " can do" : "Models side by side",
        results.size() + (results.size() == 1 ? " model" : " models") + ", with what they counted while they were measured.",
        String.join(", ", new Main.Version().getVersion()),
        List.of(EvaluationTable.of(results).figures("Quality", String.join(" ", EvaluationTable.notes(results))), work()),
        paretos(), energy.name(), spiking, rasters);
  }

  /** The first metric of every text and task. */
  private List<Pareto> paretos() {
    Evaluated first = results.getFirst();
    List<Evaluated.Figure> figures = first.figures(first);
    List<Pareto> paretos = new ArrayList<>();
    for (int i = 0; i < figures.size(); i++) {
      Evaluated.Figure figure = figures.get(i);
      if (i > 0 && figures.get(i - 1).of().equals(figure.of())) {
        continue;
      }
      List<ParetoPoint> points = new ArrayList<>();
      for (Evaluated result : results) {
        Cost cost = costs.get(result.model());
        points.add(new ParetoPoint(result.model(), cost.total().joules(energy) / cost.tokens(),
            result.figures(first).get(i).value().value()));
      }
      paretos.add(new Pareto(figure.metric() + " of " + (figure.task() ? figure.of() : Path.of(figure.of()).getFileName()),
          figure.metric().equals("perplexity"), points));
    }
    return paretos;
  }

  private FigureTable work() {
    Table table = new Table().row("model", "multiply-adds", "accumulates", "spikes", "firing rate", "equal steps", "ACE", "µJ*");
    results.forEach(result -> {
      Cost cost = costs.get(result.model());
      LayerCost total = cost.total();
      double tokens = cost.tokens();
      table.row(result.model(), count(total.multiplications() / tokens), count(total.accumulates() / tokens),
          count(total.spikes() / tokens),
          String.format(Locale.ROOT, "%.1f %%", 100 * total.firingRate()), String.format(Locale.ROOT, "%.2f", total.equalSteps()),
          count(total.ace() / tokens), String.format(Locale.ROOT, "%.3g", 1e6 * total.joules(energy) / tokens));
    });
    return table.figures("Work of the linear layers, a token", "* An estimate by the table '" + energy.name() + "': "
        + energy.prices() + "."
        + (energy.hasMemory() ? " Memory is not in it." : " Memory traffic is left out."));
  }

  private static String count(double value) {
    return String.format(Locale.ROOT, value < 1e5 ? "%.0f" : "%.3g", value);
  }
}
