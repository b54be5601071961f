package org.spikellm.model;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The part of a packed checkpoint's {@code quantization_config} that is needed to run it (docs/checkpoint-format.md).
 *
 * @param neuron id of the neuron, or null where no activation is encoded
 * @param neuronOptions its options
 */
record PackedFormat(String neuron, Map<String, String> neuronOptions) {

  /** The version of the format that is written. */
  static final int VERSION = 2;

  /** Reads it from the configuration in {@code directory}. */
  static PackedFormat of(ModelConfig config, Path directory) throws CheckpointException {
    Fields fields = new Fields(config.json(), directory.resolve("config.json").toString()).object("quantization_config");
    int version = fields.size("format_version", Integer.MAX_VALUE);
    if (version > VERSION) {
      throw fields.wrong("format_version", "at most " + VERSION + " (use a newer version of this program)", version);
    }
    Fields neuron = fields.object("neuron");
    if (neuron == null) {
      return new PackedFormat(null, Map.of());
    }
    Map<String, String> options = new LinkedHashMap<>();
    Fields given = neuron.object("options");
    if (given != null) {
      given.json().forEach((key, value) -> options.put(key, String.valueOf(value)));
    }
    return new PackedFormat(neuron.text("id", ""), options);
  }
}
