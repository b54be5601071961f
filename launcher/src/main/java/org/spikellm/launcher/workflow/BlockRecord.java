package org.spikellm.launcher.workflow;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What was measured of a block while it was quantized; a packed checkpoint keeps it in {@code measured.json}.
 *
 * @param losses mean loss of each epoch; empty where nothing is trained
 * @param warnings what a user should know
 * @param salience score of each input channel of each projection, and of each (kv head, channel) of {@code self_attn.keys} and
 *     {@code self_attn.values}; three digits of them
 */
public record BlockRecord(List<Double> losses, List<String> warnings, Map<String, List<Double>> salience) {

  private static final MathContext DIGITS = new MathContext(3);

  static BlockRecord of(double[] losses, List<String> warnings, Map<String, float[]> salience) {
    Map<String, List<Double>> rounded = new LinkedHashMap<>();
    salience.forEach((name, scores) -> {
      List<Double> list = new ArrayList<>();
      for (float score : scores) {
        list.add(Float.isFinite(score) ? new BigDecimal(score).round(DIGITS).doubleValue() : score);
      }
      rounded.put(name, list);
    });
    return new BlockRecord(Arrays.stream(losses).boxed().toList(), List.copyOf(warnings), rounded);
  }

  Map<String, Object> toJson() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("losses", losses);
    map.put("warnings", warnings);
    map.put("salience", salience);
    return map;
  }

  /** Reads what {@link #toJson} made. */
  public static BlockRecord of(Map<String, Object> json) {
    Map<String, List<Double>> salience = new LinkedHashMap<>();
    if (json.get("salience") instanceof Map<?, ?> map) {
      map.forEach((name, scores) -> salience.put(name.toString(), numbers(scores)));
    }
    List<String> warnings = json.get("warnings") instanceof List<?> list ? list.stream().map(String::valueOf).toList() : List.of();
    return new BlockRecord(numbers(json.get("losses")), warnings, salience);
  }

  private static List<Double> numbers(Object json) {
    return json instanceof List<?> list
        ? list.stream().map(n -> n instanceof Number number ? number.doubleValue() : Double.NaN).toList() : List.of();
  }
}
