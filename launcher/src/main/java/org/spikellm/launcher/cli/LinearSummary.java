package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.launcher.workflow.StoredWeights;

/**
 * A linear layer as a checkpoint holds it.
 *
 * @param block index of its block
 * @param layer name of the projection
 * @param rows output channels
 * @param columns input channels
 * @param stored its weights, class by class where they are stored in classes
 * @param inputs columns and dynamics of the classes of its input; empty where it stays in float
 * @param sameClasses whether weights and input have the same classes
 */
record LinearSummary(int block, String layer, int rows, int columns, List<StoredWeights> stored, List<InputClass> inputs,
    boolean sameClasses) {

  static final String[] HEADING = {"layer", "shape", "columns", "weights", "zeros", "scales", "input"};

  /** A class of input channels. */
  record InputClass(int columns, Dynamics dynamics) {}

  static LinearSummary of(int block, Projection projection, Block.Linear linear) {
    List<InputClass> inputs = new ArrayList<>();
    for (int c = 0; linear.input() != null && c < linear.input().order().classes(); c++) {
      inputs.add(new InputClass(linear.input().order().end(c) - linear.input().order().start(c), linear.input().dynamics().get(c)));
    }
    return new LinearSummary(block, projection.tensorName(), linear.weight().rows(), linear.weight().columns(),
        StoredWeights.of(linear.weight()), inputs, linear.weight() instanceof QuantizedWeight);
  }

  Map<String, Object> toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("block", block);
    map.put("layer", layer);
    map.put("rows", rows);
    map.put("columns", columns);
    map.put("sparsity", StoredWeights.sparsity(stored));
    map.put("classes", lines().stream().map(this::toJson).toList());
    return map;
  }

  /** A row a class, flat: ranges as their two ends. */
  List<Map<String, Object>> classRows() {
    return lines().stream().map(line -> {
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("layer", block + "." + layer);
      row.put("rows", rows);
      toJson(line).forEach((name, value) -> {
        if (value instanceof List<?> range) {
          row.put("least_" + name, range.getFirst());
          row.put("most_" + name, range.getLast());
        } else {
          row.put(name, value);
        }
      });
      return row;
    }).toList();
  }

  /** What stands side by side: a part of the weights and a class of the input, either of which may be missing. */
  private record Line(StoredWeights weights, InputClass input) {}

  private List<Line> lines() {
    List<Line> lines = new ArrayList<>();
    for (int i = 0; i < Math.max(stored.size(), inputs.size()); i++) {
      lines.add(new Line(i < stored.size() ? stored.get(i) : null, i < inputs.size() ? inputs.get(i) : null));
    }
    return lines;
  }

  /** Columns of a line: of its weights where they are whole columns, else of its input. */
  private int columns(Line line) {
    return line.input != null ? line.input.columns
        : sameClasses || stored.size() == 1 ? Math.toIntExact(line.weights.weights() / Math.max(1, rows)) : columns;
  }

  private Map<String, Object> toJson(Line line) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("columns", columns(line));
    if (line.weights != null) {
      StoredWeights weights = line.weights;
      map.put("weights", weights.weights());
      map.put("weight_form", weights.form().name().toLowerCase(Locale.ROOT).replace('_', ' '));
      map.put("weight_bits", weights.bits());
      if (weights.timeSteps() > 0) {
        map.put("weight_time_steps", weights.timeSteps());
        map.put("weight_most_spikes", weights.mostSpikes());
      }
      map.put("sparsity", weights.sparsity());
      if (!Float.isNaN(weights.leastScale())) {
        map.put("scales", List.of(weights.leastScale(), weights.largestScale()));
      }
    }
    if (line.input != null) {
      map.put("time_steps", line.input.dynamics.timeSteps());
      map.put("levels", List.of(line.input.dynamics.lowLevel(), line.input.dynamics.highLevel()));
    }
    return map;
  }

  /** Adds a row a class. */
  void addTo(Table table) {
    boolean first = true;
    for (Line line : lines()) {
      StoredWeights weights = line.weights;
      table.row(first ? block + "." + layer : "", first ? rows + " x " + columns : "", String.valueOf(columns(line)),
          weights == null ? "" : words(weights),
          weights == null ? "" : String.format(Locale.ROOT, "%.1f %%", 100 * weights.sparsity()),
          weights == null || Float.isNaN(weights.leastScale()) ? ""
              : String.format(Locale.ROOT, "%.3g .. %.3g", weights.leastScale(), weights.largestScale()),
          line.input == null ? first ? "float" : "" : words(line.input.dynamics));
      first = false;
    }
  }

  private String words(StoredWeights weights) {
    String share = String.format(Locale.ROOT, "%.1f %%", 100.0 * weights.weights() / Math.max(1, (long) rows * columns));
    return switch (weights.form()) {
      case DENSE -> weights.bits() + " bits, float";
      case SPIKES -> weights.bits() + " bits, T=" + weights.timeSteps() + ", -" + weights.mostSpikes() + ".." + weights.mostSpikes();
      case CODES -> weights.bits() + " bits" + (sameClasses ? "" : ", " + share + " of them");
      case TWO_LEVELS -> "two levels, " + share + " of them";
    };
  }

  private static String words(Dynamics dynamics) {
    return "T=" + dynamics.timeSteps() + ", " + dynamics.lowLevel() + ".." + dynamics.highLevel();
  }
}
