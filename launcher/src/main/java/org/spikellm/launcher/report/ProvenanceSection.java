package org.spikellm.launcher.report;

import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.spikellm.api.BlockShape;
import org.spikellm.launcher.workflow.BlockRecord;

/** What made the result, so that it can be made again. */
final class ProvenanceSection {

  private static final List<String> PROVIDERS = List.of("pipeline", "neuron", "salience");
  private static final Map<String, String> NAMES = Map.of("weight_bits", "weight bits", "activation_bits", "activation bits",
      "steps", "time steps of salient channels", "salient", "salient fraction", "group_size", "group size",
      "head_bits", "head bits");

  private ProvenanceSection() {}

  static void write(Markup out, QuantizationReport report) {
    warnings(out, report.blocks());
    out.open("section", "id", "provenance").element("h2", "Provenance");
    out.element("p", "The same source, text, options and program give the same bytes again. What determines them is stored "
        + "in the result's config.json.");
    out.open("table", "class", "facts").open("tbody").line();
    BlockShape shape = report.shape().block();
    row(out, "source", report.source().toString());
    row(out, "result", report.out().toString());
    row(out, "model", report.shape().blocks() + " blocks, hidden " + shape.hidden() + ", " + shape.heads() + " heads ("
        + shape.kvHeads() + " for keys and values) of " + shape.headDim() + ", MLP " + shape.intermediate() + ", vocabulary "
        + report.shape().vocabulary() + ", context " + report.shape().contextLength());
    report.made().forEach((name, value) -> made(out, report, name, value));
    RunFacts run = report.run();
    row(out, "program", run.program());
    row(out, "backend", run.backend() + (run.device().isEmpty() ? "" : ": " + run.device()) + ", " + run.threads()
        + (run.threads() == 1 ? " thread" : " threads"));
    row(out, "duration", Numbers.duration(run.seconds()) + (run.resumed() == 0 ? ""
        : ", going on from " + run.resumed() + " blocks of an earlier run, whose time is not counted"));
    row(out, "finished", DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(run.finished().truncatedTo(ChronoUnit.SECONDS)
        .atOffset(ZoneOffset.UTC)));
    out.close().close().close().line();
  }

  private static void made(Markup out, QuantizationReport report, String name, Object value) {
    if (PROVIDERS.contains(name)) {
      row(out, name.equals("salience") ? "salience detector" : name, provider(report, name, value));
    } else if (value instanceof Map<?, ?> map) {
      map.forEach((key, inner) -> row(out, name + " " + key, String.valueOf(inner)));
    } else {
      row(out, NAMES.getOrDefault(name, name.replace('_', ' ')), text(name, value));
    }
  }

  private static String text(String name, Object value) {
    String number = String.valueOf(value);
    return name.endsWith("_bits") && number.equals("16") ? "16 (left as they were)"
        : name.equals("group_size") && number.equals("0") ? "0 (a whole row)" : number;
  }

  /** Its id and all its options, those first that were given. */
  private static String provider(QuantizationReport report, String kind, Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      return "none: activations stay in float";
    }
    Map<?, ?> given = map.get("options") instanceof Map<?, ?> options ? options : Map.of();
    Map<String, String> others = new TreeMap<>(report.defaults().getOrDefault(kind, Map.of()));
    others.keySet().removeAll(given.keySet());
    return map.get("id") + list(" with ", given) + list(given.isEmpty() ? " with, by default, " : "; by default ", others);
  }

  private static String list(String before, Map<?, ?> options) {
    return options.isEmpty() ? "" : options.entrySet().stream().map(option -> option.getKey() + " = " + option.getValue())
        .collect(Collectors.joining(", ", before, ""));
  }

  private static void row(Markup out, String name, String value) {
    out.open("tr").element("th", name, "scope", "row").element("td", value).close().line();
  }

  private static void warnings(Markup out, List<BlockRecord> blocks) {
    if (blocks.stream().allMatch(block -> block.warnings().isEmpty())) {
      return;
    }
    out.open("section", "id", "warnings").element("h2", "Warnings").open("ul", "class", "warning");
    for (int b = 0; b < blocks.size(); b++) {
      for (String warning : blocks.get(b).warnings()) {
        out.element("li", warning.startsWith("block ") ? warning : "block " + b + ": " + warning).line();
      }
    }
    out.close().close().line();
  }
}
