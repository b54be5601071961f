package org.spikellm.launcher.workflow;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;

/**
 * What was measured of a block while it was quantized; a packed checkpoint keeps it in {@code measured.json}.
 *
 * @param losses mean loss of each epoch; empty where nothing is trained
 * @param warnings what a user should know
 * @param salience score of each input channel of each projection, and of each (kv head, channel) of {@code self_attn.keys} and
 *     {@code self_attn.values}; three digits of them
 * @param sparsity the share of the weights of its linear layers that are 0
 * @param equalSteps their mean time steps (method.md §5), or NaN where not all of them are spike trains
 */
public record BlockRecord(List<Double> losses, List<String> warnings, Map<String, List<Double>> salience, double sparsity,
    double equalSteps) {

  private static final MathContext DIGITS = new MathContext(3);

  static BlockRecord of(double[] losses, List<String> warnings, Map<String, float[]> salience, Block block) {
    Map<String, List<Double>> rounded = new LinkedHashMap<>();
    salience.forEach((name, scores) -> {
      List<Double> list = new ArrayList<>();
      for (float score : scores) {
        list.add(Float.isFinite(score) ? new BigDecimal(score).round(DIGITS).doubleValue() : score);
      }
      rounded.put(name, list);
    });
    List<StoredWeights> stored = StoredWeights.of(block.linears().values().stream().map(Block.Linear::weight).toList());
    return new BlockRecord(Arrays.stream(losses).boxed().toList(), List.copyOf(warnings), rounded, StoredWeights.sparsity(stored),
        StoredWeights.equalSteps(stored));
  }

  Map<String, Object> toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("losses", losses);
    map.put("warnings", warnings);
    map.put("salience", salience);
    map.put("sparsity", sparsity);
    map.put("equal_steps", Double.isNaN(equalSteps) ? null : equalSteps);
    return map;
  }

  /** Reads what {@link #toJson} made. */
  public static BlockRecord of(Map<String, Object> json) {
    Map<String, List<Double>> salience = new LinkedHashMap<>();
    if (json.get("salience") instanceof Map<?, ?> map) {
      map.forEach((name, scores) -> salience.put(name.toString(), numbers(scores)));
    }
    List<String> warnings = json.get("warnings") instanceof List<?> list ? list.stream().map(String::valueOf).toList() : List.of();
    return new BlockRecord(numbers(json.get("losses")), warnings, salience, number(json.get("sparsity")),
        number(json.get("equal_steps")));
  }

  private static List<Double> numbers(Object json) {
    return json instanceof List<?> list ? list.stream().map(BlockRecord::number).toList() : List.of();
  }

  private static double number(Object json) {
    return json instanceof Number number ? number.doubleValue() : Double.NaN;
  }
}
