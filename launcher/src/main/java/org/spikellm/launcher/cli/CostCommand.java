package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.api.Projection;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.Home;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Counts what a model does. */
@Command(name = "cost", description = {"Count the operations and spikes of a model on a text, and estimate their energy.",
    "Counted while it runs, layer by layer: accumulates are additions that spikes of activations or of weights cause."})
final class CostCommand implements Callable<Integer> {

  private static final String ENERGY = "45 nm, Horowitz, ISSCC 2014";

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
    Registry registry = common.registry();
    try (LoadedModel loaded = LoadedModel.open(model, registry, common.backend, common.threads(), SpikeMode.COLLAPSED)) {
      Cost.Measured measured =
          Cost.measure(loaded, text == null ? Home.evaluationText() : text, sequence, limit, common.progress());
      if (common.json) {
        common.printJson(json(measured));
      } else if (csv) {
        common.printCsv(rows(measured));
      } else {
        print(measured);
      }
      return 0;
    }
  }

  private void print(Cost.Measured measured) {
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
    table.row("equal steps", "", "", String.format(Locale.ROOT, "%.2f", total.equalSteps()));
    table.row("ACE", "", "", count(total.ace() / tokens));
    table.row("energy, estimated*", micro(total.floatJoules() / tokens), micro(total.codedJoules() / tokens),
        micro(total.joules() / tokens));
    table.print(common.out);
    common.out.printf(Locale.ROOT, "Counted over %d tokens, %d windows of %d. Not spikes, and not in the table: attention, %s multiply-adds a token here;%n"
        + "the head, %s for each token whose logits are made.%n", measured.tokens(), measured.windows(), measured.sequence(),
        count(measured.attentionMacs() / tokens), count(measured.headMacs()));
    common.out.println("* arithmetic alone, " + ENERGY + ": 4.6 pJ a float multiply-add or scale, 0.9 a float addition, 0.03 an 8-bit addition;");
    common.out.println("  codes as 8-bit multiply-adds (0.23) where weights and inputs are, half-precision ones (1.5) where one of them is. Memory traffic is left out.");
    if (layers) {
      common.out.println();
      Table list = new Table().row("layer", "accumulates", "multiply-adds", "firing rate", "silent", "equal steps", "energy");
      forEach(measured, (name, cost) -> list.row(name, count(cost.accumulates() / tokens), count(cost.multiplications() / tokens),
          percent(cost.firingRate()), percent(cost.silentShare()), String.format(Locale.ROOT, "%.2f", cost.equalSteps()),
          micro(cost.joules() / tokens)));
      list.print(common.out);
    }
  }

  private interface Layer {
    void see(String name, LayerCost cost);
  }

  private static void forEach(Cost.Measured measured, Layer layer) {
    List<Map<Projection, LayerCost>> blocks = measured.cost().layers();
    for (int i = 0; i < blocks.size(); i++) {
      int block = i;
      blocks.get(i).forEach((projection, cost) -> layer.see(block + "." + projection.tensorName(), cost));
    }
  }

  private static Map<String, Object> json(Cost.Measured measured) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("tokens", measured.tokens());
    put(map, measured.cost().total());
    Map<String, Object> other = new LinkedHashMap<>();
    other.put("attention_macs", measured.attentionMacs());
    other.put("head_macs_per_logits", measured.headMacs());
    map.put("not_spiking", other);
    map.put("layers", layers(measured));
    return map;
  }

  private static List<Map<String, Object>> layers(Cost.Measured measured) {
    List<Map<String, Object>> list = new ArrayList<>();
    forEach(measured, (name, cost) -> list.add(layer(name, cost)));
    return list;
  }

  /** The layers and, as the last row, all of them together. */
  private static List<Map<String, Object>> rows(Cost.Measured measured) {
    List<Map<String, Object>> rows = layers(measured);
    rows.add(layer("all", measured.cost().total()));
    return rows;
  }

  private static Map<String, Object> layer(String name, LayerCost cost) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("layer", name);
    put(one, cost);
    return one;
  }

  private static void put(Map<String, Object> map, LayerCost cost) {
    map.put("macs", cost.macs());
    map.put("multiplications", cost.multiplications());
    map.put("accumulates", cost.accumulates());
    map.put("scalings", cost.scalings());
    map.put("spikes", cost.spikes());
    map.put("firing_rate", cost.firingRate());
    map.put("silent_share", cost.silentShare());
    map.put("ace", cost.ace());
    map.put("equal_steps", cost.equalSteps());
    Map<String, Object> energy = new LinkedHashMap<>();
    energy.put("table", ENERGY);
    energy.put("float", cost.floatJoules());
    energy.put("codes_multiplied", cost.codedJoules());
    energy.put("this_model", cost.joules());
    map.put("energy_joules", energy);
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
