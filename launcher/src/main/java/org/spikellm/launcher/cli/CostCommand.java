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
import org.spikellm.launcher.workflow.LoadedModel;
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
      throw common.wrong(sequence < 1 ? "--sequence: expected 1 or more, found " + sequence
          : "--limit: expected 1 or more, found " + limit);
    }
    EnergyTable table = reporting.energy();
    ReportFile page = reporting.file(common, List.of(model));
    Registry registry = common.registry();
    try (LoadedModel loaded = LoadedModel.open(model, registry, common.backend, common.threads(), SpikeMode.COLLAPSED)) {
      common.tell(loaded.neurons());
      Cost.Measured measured =
          Cost.measure(loaded, text == null ? Home.evaluationText() : text, sequence, limit, common.progress());
      if (common.json) {
        common.printJson(new CostSummary(measured, table).json());
      } else if (csv) {
        common.printCsv(new CostSummary(measured, table).rows());
      } else {
        print(measured, table);
      }
      if (page != null) {
        page.write(report(measured, table, reporting.rasters(common, registry, List.of(model))).page());
        common.note("Report: " + page);
      }
      return 0;
    }
  }

  private Measures report(Cost.Measured measured, EnergyTable table, Map<String, SpikeRaster> rasters) {
    CostTables tables = new CostTables(measured, table);
    List<FigureTable> shown = List.of(
        tables.totals().figures("A token, in the linear layers", "Energy is an estimate by the table '" + table.name()
            + "': " + table.prices() + "." + (table.hasMemory() ? "" : " Memory traffic is left out.")),
        tables.others().figures("What is no spikes", "With logits for every token; functions have no price."),
        tables.layers().figures("Layer by layer, a token", ""));
    boolean spikes = measured.cost().total().spikes() > 0;
    return new Measures("What " + model + " costs", "Counted over " + measured.tokens() + " tokens, " + measured.windows()
        + (measured.windows() == 1 ? " window of " : " windows of ") + measured.sequence()
            + (spikes ? "." : ". Its inputs stay in float: there are no spikes to show."),
        String.join(", ", new Main.Version().getVersion()), shown, List.of(), table.name(),
        spikes ? Map.of(model.toString(), measured.cost()) : Map.of(), rasters);
  }

  private void print(Cost.Measured measured, EnergyTable energy) {
    CostTables tables = new CostTables(measured, energy);
    tables.totals().print(common.out);
    common.out.printf(Locale.ROOT, "Counted over %d tokens, %d windows of %d.%n", measured.tokens(), measured.windows(),
        measured.sequence());
    if (measured.cost().total().spikes() > 0) {
      common.out.println();
      tables.histogram().print(common.out);
    }
    common.out.println();
    tables.others().print(common.out);
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
      tables.layers().print(common.out);
    }
  }
}
