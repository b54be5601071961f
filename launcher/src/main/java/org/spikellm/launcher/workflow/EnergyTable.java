package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * Energy of operations by a named table, each entry with its source. What is counted with it is an estimate.
 *
 * @param name of the table
 * @param entries one for each operation; memory may lack
 */
public record EnergyTable(String name, Map<Operation, Entry> entries) {

  /**
   * An entry.
   *
   * @param picojoules of one operation
   * @param source where the figure is from
   */
  public record Entry(double picojoules, String source) {}

  private static final String HOROWITZ = "Horowitz, ISSCC 2014, 45 nm, 0.9 V";
  private static final String SUM = HOROWITZ + ": a multiplication and an addition";
  private static final double MOST = 1e9;

  /** 45 nm, as spiking papers quote it (method.md §6). It has no figure for memory. */
  public static final EnergyTable DEFAULT = new EnergyTable("45 nm, Horowitz, ISSCC 2014", Map.of(
      Operation.FP32_MAC, new Entry(4.6, SUM), Operation.FP32_ADD, new Entry(0.9, HOROWITZ), Operation.FP16_MAC,
          new Entry(1.5, SUM),
      Operation.INT8_MAC, new Entry(0.23, SUM), Operation.INT8_ADD, new Entry(0.03, HOROWITZ)));

  public EnergyTable {
    entries = Collections.unmodifiableMap(new EnumMap<>(entries));
  }

  /**
   * Reads a table: {@code {"name": …, "picojoules": {"fp32_mac": {"value": 4.6, "source": …}, …}}}.
   *
   * @throws IOException if it is not one, lacks an entry other than memory's, or has one that is unknown or without a source
   */
  public static EnergyTable read(Path file) throws IOException {
    Map<String, Object> json = Json.readObject(file);
    known(file.toString(), json, List.of("name", "picojoules"));
    String name = text(file + ": name", json.get("name"));
    if (!(json.get("picojoules") instanceof Map<?, ?> prices)) {
      throw new CheckpointException(file + ": picojoules: expected an object of operations, found " + json.get("picojoules"));
    }
    known(file + ": picojoules", prices, Arrays.stream(Operation.values()).map(Operation::key).toList());
    Map<Operation, Entry> entries = new EnumMap<>(Operation.class);
    for (Operation operation : Operation.values()) {
      Object entry = prices.get(operation.key());
      if (entry == null && operation == Operation.MEMORY_BYTE) {
        continue;
      }
      entries.put(operation, entry(file + ": picojoules." + operation.key(), entry));
    }
    return new EnergyTable(name, entries);
  }

  private static Entry entry(String where, Object json) throws CheckpointException {
    if (!(json instanceof Map<?, ?> map)) {
      throw new CheckpointException(where + ": expected {\"value\": picojoules, \"source\": where from}, found "
          + (json == null ? "nothing" : json));
    }
    known(where, map, List.of("value", "source"));
    if (!(map.get("value") instanceof Number value) || !(value.doubleValue() >= 0 && value.doubleValue() <= MOST)) {
      throw new CheckpointException(where + ".value: expected picojoules, 0 to 1e9, found " + map.get("value"));
    }
    return new Entry(value.doubleValue(), text(where + ".source", map.get("source")));
  }

  private static void known(String where, Map<?, ?> json, List<String> keys) throws CheckpointException {
    for (Object key : json.keySet()) {
      if (!keys.contains(key)) {
        throw new CheckpointException(where + ": unknown key '" + key + "'; expected " + String.join(", ", keys));
      }
    }
  }

  private static String text(String where, Object json) throws CheckpointException {
    if (json instanceof String text && !text.isBlank()) {
      return text;
    }
    throw new CheckpointException(where + ": expected a text, found " + (json == null ? "nothing" : "'" + json + "'"));
  }

  /** Joules that so many operations take. */
  public double joules(Operation operation, double count) {
    return count * entries.get(operation).picojoules() * 1e-12;
  }

  /** Whether it has a figure for memory. */
  public boolean hasMemory() {
    return entries.containsKey(Operation.MEMORY_BYTE);
  }

  /** Its entries in words: {@code fp32_mac 4.6 pJ, …}. */
  public String prices() {
    return entries.entrySet().stream().map(entry -> entry.getKey().key() + " " + entry.getValue().picojoules() + " pJ")
        .collect(Collectors.joining(", "));
  }
}
