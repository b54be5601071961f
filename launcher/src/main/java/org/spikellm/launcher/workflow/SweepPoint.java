package org.spikellm.launcher.workflow;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.spikellm.api.QuantizationSpec;

/**
 * One quantization of a sweep.
 *
 * @param pipeline id of the pipeline
 * @param neuron id of the neuron
 * @param detector id of the salience detector
 * @param spec bits, steps, salient fraction, group size, seed
 */
public record SweepPoint(String pipeline, String neuron, String detector, QuantizationSpec spec) {

  /** What a grid may vary, as its file and {@link #json} have it. */
  static final List<String> AXES = List.of("pipeline", "neuron", "salience", "weight_bits", "activation_bits", "steps",
      "salient", "group_size");

  /** Its name: a file's and a reader's. */
  public String name() {
    return String.format(Locale.ROOT, "%s-%s-%s-w%da%d-t%d-s%s-g%d", pipeline, neuron, detector, spec.weightBits(),
        spec.activationBits(),
        spec.timeSteps(), number(spec.salient()), spec.groupSize());
  }

  private static String number(double value) {
    return value == Math.rint(value) ? String.valueOf((long) value) : String.valueOf(value);
  }

  /**
   * The point whose result this one has: where there is one time step, or nothing is encoded, no channel can be salient,
   * whatever fraction
   * and detector are given.
   */
  public SweepPoint equivalent(String firstDetector) {
    if (spec.encodesActivations() && spec.timeSteps() > 1 && spec.salient() > 0) {
      return this;
    }
    return !spec.encodesActivations() ? this
        : new SweepPoint(pipeline, neuron, firstDetector, new QuantizationSpec(spec.weightBits(), spec.activationBits(), 1, 0,
            spec.groupSize(),
            spec.seed()));
  }

  /** Its place in the grid, for programs. */
  public Map<String, Object> json() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("pipeline", pipeline);
    map.put("neuron", neuron);
    map.put("salience", detector);
    map.put("weight_bits", spec.weightBits());
    map.put("activation_bits", spec.activationBits());
    map.put("steps", spec.timeSteps());
    map.put("salient", spec.salient());
    map.put("group_size", spec.groupSize());
    return map;
  }
}
