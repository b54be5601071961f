package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.NeuronLookup;

/**
 * Finds the neurons that a packed checkpoint names. For one that is missing it says where it came from; of those that it found it
 * knows what the user should know.
 */
public final class CheckpointNeurons implements NeuronLookup {

  /** As many digits of a hash as tell one jar from another. */
  private static final int DIGITS = 12;

  private final Registry registry;
  private final Path directory;
  private final List<String> warnings = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /** @param directory of the checkpoint */
  public CheckpointNeurons(Registry registry, Path directory) {
    this.registry = registry;
    this.directory = directory;
  }

  @Override
  public NeuronModel find(String id, Map<String, String> options) throws CheckpointException {
    Map<?, ?> made = made();
    Map<?, ?> jar = jar(made, id);
    NeuronModel neuron;
    try {
      neuron = registry.find(NeuronModel.class, id, options);
    } catch (IOException e) {
      throw new CheckpointException(directory + ": the checkpoint's neuron: " + e.getMessage() + (jar == null ? ""
          : "; it was made with that of " + described(jar, String.valueOf(jar.get("sha256")))
          + ": name the directory of that jar with --plugins or --module-path"), e);
    }
    compare(id, jar, jar(registry.origin(NeuronModel.class, id)));
    if (!neuron.collapsible() && made.get("activation_bits") instanceof Number bits
        && made.get("steps") instanceof Number steps) {
      notes.add(directory + ": " + cost(neuron, bits.intValue(), steps.intValue()));
    }
    return neuron;
  }

  /** As this, for whoever only looks: for a plug-in's neuron that is missing there is a warning, and one that cannot fire. */
  public NeuronLookup orAbsent() {
    return (id, options) -> {
      try {
        return find(id, options);
      } catch (CheckpointException e) {
        if (jar(made(), id) == null) {
          throw e;
        }
        warnings.add(e.getMessage());
        return new Absent(id);
      }
    };
  }

  private record Absent(String id) implements NeuronModel {

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      throw new IllegalStateException("neuron '" + id + "' is not there");
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      throw new IllegalStateException("neuron '" + id + "' is not there");
    }

    @Override
    public boolean collapsible() {
      return false;
    }
  }

  /** What it costs that a neuron is not collapsible. */
  public static String cost(NeuronModel neuron, int bits, int steps) {
    int least = neuron.dynamics(bits, 1).timeSteps();
    int most = neuron.dynamics(bits, steps).timeSteps();
    return "neuron '" + neuron.id() + "' is not collapsible: it runs step by step, and a linear layer takes "
        + (least < most ? least + " to " : "") + most + " products of spikes where one of counts would do";
  }

  /** Where what was found is not what the checkpoint was made with: it may say something else. */
  public List<String> warnings() {
    return List.copyOf(warnings);
  }

  /** What explains how fast it is. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** What config.json says of how it was made; empty where it cannot be read, which whoever reads the checkpoint reports. */
  private Map<?, ?> made() {
    try {
      return Json.readObject(directory.resolve("config.json")).get("quantization_config") instanceof Map<?, ?> made ? made
          : Map.of();
    } catch (IOException e) {
      return Map.of();
    }
  }

  /** The jar that the checkpoint's neuron was of, or null where it was one of the program's. */
  private static Map<?, ?> jar(Map<?, ?> made, String neuron) {
    for (String role : List.of("neuron", "weight_neuron")) {
      if (made.get(role) instanceof Map<?, ?> named && neuron.equals(named.get("id"))
          && named.get("plugin") instanceof Map<?, ?> jar) {
        return jar;
      }
    }
    return null;
  }

  /** What a checkpoint stores of the jar that a provider is of, or null where it is one of the program's. */
  static Map<String, Object> jar(Origin origin) throws CheckpointException {
    if (!origin.plugin()) {
      return null;
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("jar", origin.jar() == null ? null : origin.jar().getFileName().toString());
    map.put("module", origin.module());
    map.put("version", origin.version());
    try {
      map.put("sha256", origin.sha256());
    } catch (IOException e) {
      throw new CheckpointException(origin.jar() + ": cannot be read any more, for its hash: " + e.getMessage(), e);
    }
    return map;
  }

  private void compare(String id, Map<?, ?> then, Map<?, ?> now) {
    if (then == null ? now != null : now == null || !Objects.equals(then.get("sha256"), now.get("sha256"))) {
      warnings.add(directory + ": was made with neuron '" + id + "' of " + described(then) + " and runs with that of "
          + described(now) + ": its figures may differ");
    }
  }

  private static String described(Map<?, ?> jar) {
    String hash = jar == null ? "" : String.valueOf(jar.get("sha256"));
    return jar == null ? "this program" : described(jar, hash.substring(0, Math.min(DIGITS, hash.length())));
  }

  private static String described(Map<?, ?> jar, String hash) {
    return jar.get("jar") + " (" + jar.get("module") + (jar.get("version") == null ? "" : " " + jar.get("version")) + ", SHA-256 "
        + hash + ")";
  }
}
