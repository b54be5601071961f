package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.report.FigureTable;
import org.spikellm.launcher.report.Measures;
import org.spikellm.launcher.report.ReportFile;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.Home;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.Operation;
import org.spikellm.launcher.workflow.OtherWork;
import org.spikellm.launcher.workflow.RateHistogram;
import org.spikellm.launcher.workflow.SpikeRaster;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Counts what a model does. */
@Command(name = "cost", description = {"Count the operations and spikes of a model on a text, and estimate their energy.",
    "Counted while it runs, layer by layer: accumulates are additions that spikes of activations or of weights cause."})
final class CostCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of a float or quantized checkpoint.")
  private Path model;

  @Option(names = "--text", paramLabel = "FILE", description = "Text to run it on. Default: the embedded one.")
  private Path text;

  @Option(names = "--sequence", paramLabel = "N", defaultValue = "512",
      description = "Tokens a window; at most the model's limit and the text's length. Default: ${DEFAULT-VALUE}.")
  private int sequence;

  @Option(names = "--limit", paramLabel = "N", defaultValue = "4", description = "Most windows. Default: ${DEFAULT-VALUE}.")
  private int limit;

  @Mixin
  private ReportOptions reporting;

  @Option(names = "--layers", description = "Also list every linear layer.")
  private boolean layers;

  @Option(names = "--csv", description = "Print the counts of every linear layer, and their sum, as CSV.")
  private boolean csv;

  @Override
  public Integer call() throws IOException {
    common.onlyOne(csv);
    if (sequence < 1 || limit < 1) {
      throw common.wrong((sequence < 1 ? "--sequence: expected 1 or more, found " + sequence : "--limit: expected 1 or more, found " + limit));
    }
    EnergyTable table = reporting.energy();
    ReportFile page = reporting.file(common, List.of(model));
    Registry registry = common.registry();
    try (LoadedModel loaded = LoadedModel.open(model, registry, common.backend, common.threads(), SpikeMode.COLLAPSED)) {
      Cost.Measured measured =
          Cost.measure(loaded, text == null ? Home.evaluationText() : text, sequence, limit, common.progress());
      if (page != null) {
        page.write(report(measured, table, reporting.rasters(common, registry, List.of(model))).page());
      }
      if (common.json) {
        common.printJson(new CostSummary(measured, table).json());
      } else if (csv) {
        common.printCsv(new CostSummary(measured, table).rows());
      } else {
        print(measured, table);
      }
      if (page != null) {
        common.note("Report: " + page);
      }
      return 0;
    }
  }

  private Measures report(Cost.Measured measured, EnergyTable table, Map<String, SpikeRaster> rasters) {
    List<FigureTable> tables = List.of(
        totals(measured, table).figures("A token, in the linear layers", "Energy is an estimate by the table '" + table.name()
            + "': "
            + table.prices() + "." + (table.hasMemory() ? "" : " Memory traffic is left out.")),
        others(measured, table).figures("What is no spikes", "With logits for every token; functions have no price."),
        layers(measured, table).figures("Layer by layer, a token", ""));
    boolean spikes = measured.cost().total().spikes() > 0;
    return new Measures("What " + model + " costs", "Counted over " + measured.tokens() + " tokens, " + measured.windows()
        + (measured.windows() == 1 ? " window of " : " windows of ") + measured.sequence()
            + (spikes ? "." : ". Its inputs stay in float: there are no spikes to show."),
        String.join(", ", new Main.Version().getVersion()), tables, List.of(), "", true, table.name(),
        spikes ? Map.of(model.toString(), measured.cost()) : Map.of(), rasters);
  }

  private void print(Cost.Measured measured, EnergyTable energy) {
    totals(measured, energy).print(common.out);
    common.out.printf(Locale.ROOT, "Counted over %d tokens, %d windows of %d.%n", measured.tokens(), measured.windows(),
        measured.sequence());
    if (measured.cost().total().spikes() > 0) {
      common.out.println();
      histogram(measured.cost().histogram()).print(common.out);
    }
    common.out.println();
    others(measured, energy).print(common.out);
    common.out.println("With logits for every token. Exponentials, roots, divisions and roundings are functions, for which "
        + "the table has no price.");
    common.out.println();
    common.out.println("* An estimate by the table '" + energy.name() + "': " + energy.prices() + ".");
    common.out.println("  Scales are float multiply-adds; codes are 8-bit ones where weights and inputs are codes, "
        + "half-precision ones where one of them is.");
    common.out.println(energy.hasMemory() ? "  Memory stands apart: a byte is counted once each time it is read or written, "
        + "caches left out."
        : "  Memory traffic is left out: the table has no price for it.");
    if (layers) {
      common.out.println();
      layers(measured, energy).print(common.out);
    }
  }

  private static Table totals(Cost.Measured measured, EnergyTable energy) {
    LayerCost total = measured.cost().total();
    double tokens = measured.tokens();
    Table table = new Table().row("a token, linear layers", "float", "codes, multiplied", "this model");
    table.row("multiply-adds", count(total.macs() / tokens), count(total.macs() / tokens), count(total.multiplications() / tokens));
    table.row("accumulates", "", "", count(total.accumulates() / tokens));
    table.row("multiplications by scales", "", count(total.scalings() / tokens), count(total.scalings() / tokens));
    if (total.spikes() > 0) {
      table.row("spikes of inputs", "", "", count(total.spikes() / tokens));
      table.row("firing rate", "", "", percent(total.firingRate()));
      table.row("inputs that stay silent", "", "", percent(total.silentShare()));
    }
    table.row("equal steps", "", "", steps(total));
    table.row("ACE", "", "", count(total.ace() / tokens));
    table.row("bytes moved", count(total.floatBytes() / tokens), count(total.bytes() / tokens), count(total.bytes() / tokens));
    table.row("energy, estimated*", micro(total.floatJoules(energy) / tokens), micro(total.codedJoules(energy) / tokens),
        micro(total.joules(energy) / tokens));
    if (energy.hasMemory()) {
      String moved = micro(energy.joules(Operation.MEMORY_BYTE, total.bytes()) / tokens);
      table.row("energy of memory*", micro(energy.joules(Operation.MEMORY_BYTE, total.floatBytes()) / tokens), moved, moved);
    }
    return table;
  }

  private static Table layers(Cost.Measured measured, EnergyTable energy) {
    double tokens = measured.tokens();
    Table list = new Table().row("layer", "accumulates", "multiply-adds", "firing rate", "silent", "equal steps", "bytes",
        "energy*");
    CostSummary.forEach(measured.cost(), (name, cost, rates) -> list.row(name, count(cost.accumulates() / tokens),
        count(cost.multiplications() / tokens), percent(cost.firingRate()), percent(cost.silentShare()), steps(cost),
        count(cost.bytes() / tokens), micro(cost.joules(energy) / tokens)));
    return list;
  }

  private static Table histogram(RateHistogram rates) {
    Table table = new Table().row("firing rate", "input channels", "share");
    table.row("never", count(rates.silent()), percent((double) rates.silent() / rates.channels()));
    for (int i = 0; i < RateHistogram.BINS; i++) {
      long channels = rates.counts()[i] - (i == 0 ? rates.silent() : 0);
      table.row(i * 10 + " to " + (i + 1) * 10 + " %", count(channels), percent((double) channels / rates.channels()));
    }
    return table;
  }

  private static Table others(Cost.Measured measured, EnergyTable energy) {
    double tokens = measured.tokens();
    Table table = new Table().row("a token, not spikes", "multiply-adds", "additions", "functions", "bytes", "energy*");
    for (OtherWork work : measured.others()) {
      table.row(work.name(), count(work.macs() / tokens), count(work.additions() / tokens), count(work.functions() / tokens),
          count(work.bytes() / tokens), micro(work.joules(energy) / tokens));
    }
    return table;
  }

  private static String steps(LayerCost cost) {
    return String.format(Locale.ROOT, "%.2f", cost.equalSteps());
  }

  private static String count(double value) {
    return String.format(Locale.ROOT, value < 1e5 ? "%.0f" : "%.3g", value);
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  private static String micro(double joules) {
    return String.format(Locale.ROOT, "%.3g µJ", joules * 1e6);
  }
}
