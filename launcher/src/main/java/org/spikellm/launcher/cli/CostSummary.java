package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.Operation;
import org.spikellm.launcher.workflow.OtherWork;
import org.spikellm.launcher.workflow.RateHistogram;

/** What was counted, for programs: fields of objects. */
final class CostSummary {

  private final Cost.Measured measured;
  private final EnergyTable table;

  CostSummary(Cost.Measured measured, EnergyTable table) {
    this.measured = measured;
    this.table = table;
  }

  /** A layer's name, what it did, and its channels. */
  interface Layer {
    void see(String name, LayerCost cost, RateHistogram rates);
  }

  /** Shows all layers, block by block. */
  static void forEach(Cost cost, Layer layer) {
    for (int i = 0; i < cost.layers().size(); i++) {
      int block = i;
      cost.layers().get(i).forEach((projection, one) ->
          layer.see(block + "." + projection.tensorName(), one, cost.histogram(block, projection)));
    }
  }

  Map<String, Object> json() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("tokens", measured.tokens());
    put(map, measured.cost().total(), measured.cost().histogram());
    map.put("energy_table", table());
    Map<String, Object> other = new LinkedHashMap<>();
    other.put("attention_macs", measured.other("attention").macs());
    other.put("head_macs_per_logits", measured.other("head").macs() / measured.tokens());
    other.put("energy_joules", measured.others().stream().mapToDouble(work -> work.joules(table)).sum());
    other.put("operations", measured.others().stream().map(this::other).toList());
    map.put("not_spiking", other);
    map.put("layers", layers());
    return map;
  }

  /** The layers and, as the last row, all of them together. */
  List<Map<String, Object>> rows() {
    List<Map<String, Object>> rows = layers();
    rows.add(layer("all", measured.cost().total(), measured.cost().histogram()));
    return rows;
  }

  /** Channels by firing rate: tenths, each by its lower end. */
  private static Map<String, Object> bins(RateHistogram rates) {
    Map<String, Object> bins = new LinkedHashMap<>();
    for (int i = 0; i < RateHistogram.BINS; i++) {
      bins.put("0." + i, rates.counts()[i]);
    }
    bins.put("silent", rates.silent());
    return bins;
  }

  private List<Map<String, Object>> layers() {
    List<Map<String, Object>> list = new ArrayList<>();
    forEach(measured.cost(), (name, cost, rates) -> list.add(layer(name, cost, rates)));
    return list;
  }

  private Map<String, Object> layer(String name, LayerCost cost, RateHistogram rates) {
    Map<String, Object> one = new LinkedHashMap<>();
    one.put("layer", name);
    put(one, cost, rates);
    return one;
  }

  private void put(Map<String, Object> map, LayerCost cost, RateHistogram rates) {
    map.put("macs", cost.macs());
    map.put("multiplications", cost.multiplications());
    map.put("accumulates", cost.accumulates());
    map.put("scalings", cost.scalings());
    map.put("spikes", cost.spikes());
    map.put("firing_rate", cost.firingRate());
    map.put("silent_share", cost.silentShare());
    map.put("ace", cost.ace());
    map.put("equal_steps", cost.equalSteps());
    map.put("bytes", cost.bytes());
    map.put("float_bytes", cost.floatBytes());
    map.put("energy_joules", energy(cost));
    map.put("channel_rates", bins(rates));
  }

  private Map<String, Object> energy(LayerCost cost) {
    Map<String, Object> energy = new LinkedHashMap<>();
    energy.put("table", table.name());
    energy.put("float", cost.floatJoules(table));
    energy.put("codes_multiplied", cost.codedJoules(table));
    energy.put("this_model", cost.joules(table));
    if (table.hasMemory()) {
      Map<String, Object> memory = new LinkedHashMap<>();
      memory.put("float", table.joules(Operation.MEMORY_BYTE, cost.floatBytes()));
      memory.put("codes_multiplied", table.joules(Operation.MEMORY_BYTE, cost.bytes()));
      memory.put("this_model", table.joules(Operation.MEMORY_BYTE, cost.bytes()));
      energy.put("memory", memory);
    }
    return energy;
  }

  private Map<String, Object> other(OtherWork work) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", work.name());
    map.put("macs", work.macs());
    map.put("additions", work.additions());
    map.put("functions", work.functions());
    map.put("bytes", work.bytes());
    map.put("energy_joules", work.joules(table));
    return map;
  }

  private Map<String, Object> table() {
    Map<String, Object> prices = new LinkedHashMap<>();
    Arrays.stream(Operation.values()).filter(table.entries()::containsKey).forEach(operation -> {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("value", table.entries().get(operation).picojoules());
      entry.put("source", table.entries().get(operation).source());
      prices.put(operation.key(), entry);
    });
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", table.name());
    map.put("picojoules", prices);
    return map;
  }
}
