package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * A grid of quantizations, as a file describes it (docs/sweep.md).
 *
 * @param model directory of the float checkpoint
 * @param text measured on
 * @param sequence tokens a window
 * @param limit most windows
 * @param calibration text to calibrate on
 * @param samples calibration windows
 * @param calibrationSequence tokens of one
 * @param options of providers, as {@code --option} takes them
 * @param points the grid, in the order of the file, the last key turning fastest
 */
public record SweepFile(Path model, Path text, int sequence, int limit, Path calibration, int samples, int calibrationSequence,
    Map<String, String> options, List<SweepPoint> points) {

  private static final List<String> KEYS = List.of("model", "text", "sequence", "limit", "calibration", "samples",
      "calibration_sequence", "seed", "options", "grid");
  private static final int MOST = 10_000;

  /**
   * Reads it; paths in it are relative to its directory.
   *
   * @throws IOException if it is no such file, or a value is not one
   */
  public static SweepFile read(Path file) throws IOException {
    Map<String, Object> json = Json.readObject(file);
    known(file.toString(), json, KEYS);
    if (!(json.get("grid") instanceof Map<?, ?> grid)) {
      throw new CheckpointException(file + ": grid: expected an object of lists, found " + json.get("grid"));
    }
    known(file + ": grid", grid, SweepPoint.AXES);
    Map<String, String> options = new LinkedHashMap<>();
    if (json.get("options") instanceof Map<?, ?> map) {
      map.forEach((key, value) -> options.put(String.valueOf(key), String.valueOf(value)));
    } else if (json.get("options") != null) {
      throw new CheckpointException(file + ": options: expected an object such as {\"omniquant.epochs\": 4}, found "
          + json.get("options"));
    }
    Path base = file.toAbsolutePath().getParent();
    int seed = whole(file + ": seed", json.get("seed"), 2, 0, Integer.MAX_VALUE);
    return new SweepFile(path(file + ": model", base, json.get("model"), Home.model()),
        path(file + ": text", base, json.get("text"), Home.evaluationText()),
        whole(file + ": sequence", json.get("sequence"), 256, 2, 1 << 20), whole(file + ": limit", json.get("limit"), 1 << 30,
            1, 1 << 30),
        path(file + ": calibration", base, json.get("calibration"), Home.calibrationText()),
        whole(file + ": samples", json.get("samples"), 128, 1, 1 << 20),
        whole(file + ": calibration_sequence", json.get("calibration_sequence"), 2048, 2, 1 << 20), options,
        points(file + ": grid", grid, seed));
  }

  private static List<SweepPoint> points(String where, Map<?, ?> grid, long seed) throws CheckpointException {
    List<SweepPoint> points = new ArrayList<>();
    List<Object> pipelines = axis(where, grid, "pipeline", "omniquant");
    List<Object> neurons = axis(where, grid, "neuron", "gif");
    List<Object> detectors = axis(where, grid, "salience", "gradient");
    List<Object> weights = axis(where, grid, "weight_bits", 4L);
    List<Object> activations = axis(where, grid, "activation_bits", 4L);
    List<Object> steps = axis(where, grid, "steps", 2L);
    List<Object> fractions = axis(where, grid, "salient", 0.1);
    List<Object> groups = axis(where, grid, "group_size", 0L);
    long all = List.of(pipelines, neurons, detectors, weights, activations, steps, fractions, groups).stream()
        .mapToLong(List::size)
        .reduce(1, (a, b) -> Math.min(a * b, Integer.MAX_VALUE));
    if (all > MOST) {
      throw new CheckpointException(where + ": expected at most " + MOST + " points, found more");
    }
    for (Object pipeline : pipelines) {
      for (Object neuron : neurons) {
        for (Object detector : detectors) {
          for (Object w : weights) {
            for (Object a : activations) {
              for (Object t : steps) {
                for (Object s : fractions) {
                  for (Object g : groups) {
                    points.add(new SweepPoint(text(where + ".pipeline", pipeline), text(where + ".neuron", neuron),
                        text(where + ".salience", detector), spec(where, w, a, t, s, g, seed)));
                  }
                }
              }
            }
          }
        }
      }
    }
    return points;
  }

  private static QuantizationSpec spec(String where, Object weights, Object activations, Object steps, Object salient,
      Object group, long seed)
      throws CheckpointException {
    if (!(salient instanceof Number fraction)) {
      throw new CheckpointException(where + ".salient: expected numbers from 0 to 1, found '" + salient + "'");
    }
    try {
      return new QuantizationSpec(whole(where + ".weight_bits", weights, 0, 0, 99),
          whole(where + ".activation_bits", activations, 0, 0, 99),
          whole(where + ".steps", steps, 0, 0, 99), fraction.doubleValue(), whole(where + ".group_size", group, 0, 0, 1 << 30),
              seed);
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(where + ": " + e.getMessage(), e);
    }
  }

  private static List<Object> axis(String where, Map<?, ?> grid, String key, Object usual) throws CheckpointException {
    Object values = grid.get(key);
    if (values == null) {
      return List.of(usual);
    }
    if (!(values instanceof List<?> list) || list.isEmpty() || list.contains(null)) {
      throw new CheckpointException(where + "." + key + ": expected a list of values, found " + values);
    }
    return list.stream().distinct().map(Function.<Object>identity()).toList();
  }

  private static void known(String where, Map<?, ?> json, List<String> keys) throws CheckpointException {
    for (Object key : json.keySet()) {
      if (!keys.contains(key)) {
        throw new CheckpointException(where + ": unknown key '" + key + "'; expected " + String.join(", ", keys));
      }
    }
  }

  private static int whole(String where, Object json, int usual, int low, int high) throws CheckpointException {
    if (json == null) {
      return usual;
    }
    if (json instanceof Long number && number >= low && number <= high) {
      return number.intValue();
    }
    throw new CheckpointException(where + ": expected a whole number from " + low + " to " + high + ", found '" + json + "'");
  }

  private static String text(String where, Object json) throws CheckpointException {
    if (json instanceof String text) {
      return text;
    }
    throw new CheckpointException(where + ": expected an id, found '" + json + "'");
  }

  private static Path path(String where, Path base, Object json, Path usual) throws CheckpointException {
    return json == null ? usual : base.resolve(text(where, json)).normalize();
  }
}
