package org.spikellm.launcher.workflow;

import java.util.LinkedHashMap;
import java.util.Map;
import org.spikellm.model.CheckpointException;

/**
 * What a model of a sweep can do and takes.
 *
 * @param perplexity on the sweep's text
 * @param bitsPerWeight bits of the blocks' tensors over the weights of their linear layers
 * @param bytes of the checkpoint's tensors
 * @param spikes a token, of the linear layers' inputs
 * @param accumulates a token
 * @param firingRate of all inputs
 * @param equalSteps mean time steps of a product
 * @param joules a token, estimated
 * @param quantizeSeconds how long it took to make
 * @param evaluateSeconds how long it took to measure
 */
public record SweepResult(double perplexity, double bitsPerWeight, long bytes, double spikes, double accumulates,
    double firingRate,
    double equalSteps, double joules, double quantizeSeconds, double evaluateSeconds) {

  /** For files and programs. */
  public Map<String, Object> json() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("perplexity", perplexity);
    map.put("bits_per_weight", bitsPerWeight);
    map.put("bytes", bytes);
    map.put("spikes_per_token", spikes);
    map.put("accumulates_per_token", accumulates);
    map.put("firing_rate", firingRate);
    map.put("equal_steps", equalSteps);
    map.put("joules_per_token", joules);
    map.put("quantize_seconds", quantizeSeconds);
    map.put("evaluate_seconds", evaluateSeconds);
    return map;
  }

  /** Reads what {@link #json} made; {@code where} names it in errors. */
  static SweepResult of(Map<?, ?> json, String where) throws CheckpointException {
    return new SweepResult(number(json, "perplexity", where), number(json, "bits_per_weight", where),
        (long) number(json, "bytes", where),
        number(json, "spikes_per_token", where), number(json, "accumulates_per_token", where), number(json, "firing_rate", where),
        number(json, "equal_steps", where), number(json, "joules_per_token", where), number(json, "quantize_seconds", where),
        number(json, "evaluate_seconds", where));
  }

  private static double number(Map<?, ?> json, String key, String where) throws CheckpointException {
    if (json.containsKey(key) && json.get(key) == null) {
      return Double.NaN;  // what was not finite
    }
    if (json.get(key) instanceof Number number) {
      return number.doubleValue();
    }
    throw new CheckpointException(where + ": " + key + ": expected a number, found " + json.get(key)
        + "; remove the file to measure again");
  }
}
