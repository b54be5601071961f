package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.registry.RegistryException;
import org.spikellm.launcher.report.FigureTable;
import org.spikellm.launcher.report.Measures;
import org.spikellm.launcher.report.Pareto;
import org.spikellm.launcher.report.ParetoPoint;
import org.spikellm.launcher.report.ReportFile;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.Sweep;
import org.spikellm.launcher.workflow.SweepFile;
import org.spikellm.launcher.workflow.SweepResult;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes and measures a grid of quantizations. */
@Command(name = "sweep", description = {"Quantize a model in every way of a grid, and measure each.",
    "FILE is JSON: the model, the texts, and lists of pipelines, neurons, steps and so on (docs/sweep.md).",
    "OUT gets table.csv and report.html; a run that was stopped goes on when called again."})
final class SweepCommand implements Callable<Integer> {

  /** Axes that are no numbers; they come first. */
  private static final List<String> WORDS = List.of("pipeline", "neuron", "salience");

  @Mixin
  private CommonOptions common;

  @Parameters(index = "0", paramLabel = "FILE", description = "The grid, as JSON.")
  private Path file;

  @Parameters(index = "1", paramLabel = "OUT", description = "Directory of the results: new, or of an earlier run of the "
      + "same sweep.")
  private Path out;

  @Option(names = "--keep", description = "Keep the models, in OUT/models. Default: each is dropped once it is measured.")
  private boolean keep;

  @Option(names = "--energy-table", paramLabel = "FILE",
      description = "JSON of picojoules an operation, with sources (docs/cost.md). Default: 45 nm, Horowitz 2014, without "
          + "memory.")
  private Path energyTable;

  @Option(names = "--csv", description = "Print the table as CSV.")
  private boolean csv;

  @Override
  public Integer call() throws IOException {
    common.onlyOne(csv);
    common.noOptions("FILE, since they are kept with the results");
    SweepFile grid = SweepFile.read(file);
    EnergyTable energy = energyTable == null ? EnergyTable.DEFAULT : EnergyTable.read(energyTable);
    Registry registry = common.registry();
    registry.backend(common.backend);
    Sweep sweep;
    try {
      sweep = new Sweep(grid, out, registry.with(grid.options()), energy, common.backend, common.threads(), keep, common.progress());
      sweep.check();
    } catch (RegistryException e) {
      throw common.wrong(file + ": " + e.getMessage());
    }
    ReportFile page = ReportFile.at(out.resolve("report.html"));
    List<Sweep.Row> rows = sweep.run();
    write(out.resolve("table.csv"), Csv.of(rows.stream().map(Sweep.Row::json).toList()));
    page.write(page(grid, rows, energy).page());
    if (common.json) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("model", grid.model().toString());
      json.put("text", grid.text().toString());
      json.put("energy_table", energy.name());
      json.put("points", rows.stream().map(Sweep.Row::json).toList());
      json.put("report", page.toString());
      common.printJson(json);
    } else if (csv) {
      common.printCsv(rows.stream().map(Sweep.Row::json).toList());
    } else {
      table(rows).print(common.out);
      common.out.println("* An estimate of the linear layers' arithmetic by the table '" + energy.name() + "'.");
      common.out.println("Report: " + page);
    }
    return 0;
  }

  private static void write(Path path, String text) throws IOException {
    Path partial = path.resolveSibling(path.getFileName() + ".partial");
    Files.writeString(partial, text);
    Files.move(partial, path, StandardCopyOption.ATOMIC_MOVE);
  }

  /** A line a point; of what the grid varies, only what differs between points. */
  private static Table table(List<Sweep.Row> rows) {
    List<Map<String, Object>> places = rows.stream().skip(1).map(row -> row.point().json()).toList();
    List<String> axes = places.getFirst().keySet().stream().filter(axis -> axis.equals("pipeline")
        || places.stream().map(place -> place.get(axis)).distinct().count() > 1).toList();
    List<String> heads = new ArrayList<>(axes.stream().map(axis -> axis.replace('_', ' ')).toList());
    heads.addAll(List.of("perplexity", "bits a weight", "MB", "spikes", "firing rate", "equal steps", "µJ*", "s to make",
        "s to measure"));
    Table table = new Table().leftAligned((int) axes.stream().filter(WORDS::contains).count()).row(heads.toArray(String[]::new));
    for (Sweep.Row row : rows) {
      SweepResult result = row.result();
      List<String> cells = new ArrayList<>(axes.stream().map(axis -> row.point() != null
          ? String.valueOf(row.point().json().get(axis))
          : axis.equals("pipeline") ? "float" : "–").toList());
      cells.addAll(List.of(format("%.4f", result.perplexity()), format("%.2f", result.bitsPerWeight()),
          format("%.2f", result.bytes() / 1e6),
          format("%.0f", result.spikes()), format("%.1f %%", 100 * result.firingRate()), format("%.2f", result.equalSteps()),
          format("%.3g", 1e6 * result.joules()), format("%.1f", result.quantizeSeconds()),
              format("%.1f", result.evaluateSeconds())));
      table.row(cells.toArray(String[]::new));
    }
    return table;
  }

  private static String format(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  /** Points that have one result are one. */
  private static List<ParetoPoint> points(List<Sweep.Row> rows) {
    Map<SweepResult, ParetoPoint> points = new LinkedHashMap<>();
    rows.forEach(row -> points.putIfAbsent(row.result(), new ParetoPoint(row.name(), row.result().joules(), row.result()
        .perplexity())));
    return List.copyOf(points.values());
  }

  private static Measures page(SweepFile grid, List<Sweep.Row> rows, EnergyTable energy) {
    FigureTable table = table(rows).figures("Every point", "* A token, an estimate by the table '" + energy.name() + "': "
        + energy.prices() + "."
        + (energy.hasMemory() ? " Memory is not in it." : " Memory traffic is left out."));
    return new Measures("A sweep over " + grid.model().getFileName(), rows.size() - 1 + " quantizations, measured on "
        + grid.text().getFileName()
        + " in windows of " + grid.sequence() + " tokens.", String.join(", ", new Main.Version().getVersion()), List.of(table),
        List.of(new Pareto("perplexity of " + grid.text().getFileName(), true, points(rows))), energy.name(), Map.of(), Map.of());
  }
}
