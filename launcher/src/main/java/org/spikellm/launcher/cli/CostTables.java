package org.spikellm.launcher.cli;

import java.util.Locale;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.Operation;
import org.spikellm.launcher.workflow.OtherWork;
import org.spikellm.launcher.workflow.RateHistogram;

/**
 * What was counted, for people: figures of a token.
 *
 * @param measured what was counted
 * @param energy table of the estimates
 */
record CostTables(Cost.Measured measured, EnergyTable energy) {

  /** All layers together, beside the float ones and those without spikes. */
  Table totals() {
    LayerCost total = measured.cost().total();
    double tokens = measured.tokens();
    Table table = new Table().row("a token, linear layers", "float", "codes, multiplied", "this model");
    table.row("multiply-adds", count(total.macs() / tokens), count(total.macs() / tokens),
        count(total.multiplications() / tokens));
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

  /** Each layer. */
  Table layers() {
    double tokens = measured.tokens();
    Table list = new Table().row("layer", "accumulates", "multiply-adds", "firing rate", "silent", "equal steps", "bytes",
        "energy*");
    CostSummary.forEach(measured.cost(), (name, cost, rates) -> list.row(name, count(cost.accumulates() / tokens),
        count(cost.multiplications() / tokens), percent(cost.firingRate()), percent(cost.silentShare()), steps(cost),
        count(cost.bytes() / tokens), micro(cost.joules(energy) / tokens)));
    return list;
  }

  /** How many channels fire at which rate. */
  Table histogram() {
    RateHistogram rates = measured.cost().histogram();
    Table table = new Table().row("firing rate", "input channels", "share");
    table.row("never", count(rates.silent()), percent((double) rates.silent() / rates.channels()));
    for (int i = 0; i < RateHistogram.BINS; i++) {
      long channels = rates.counts()[i] - (i == 0 ? rates.silent() : 0);
      table.row(i * 10 + " to " + (i + 1) * 10 + " %", count(channels), percent((double) channels / rates.channels()));
    }
    return table;
  }

  /** What is no spikes. */
  Table others() {
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
