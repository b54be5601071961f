package org.spikellm.quantizers.gptq;

import java.util.Map;
import java.util.TreeMap;
import org.spikellm.quantizers.Knobs;

/** The options that all pipelines with GPTQ's error feedback have. */
public final class GptqOptions {

  private static final String BLOCK_SIZE = "block-size";
  private static final String DAMPING = "percdamp";
  private static final String ACT_ORDER = "act-order";
  private static final String TRUE_SEQUENTIAL = "true-sequential";
  private static final String GRAM = "gram";
  private static final int MAX_BLOCK = 4096;

  private static final Map<String, String> DEFAULTS = Map.of(BLOCK_SIZE, "128", DAMPING, "0.01", ACT_ORDER, "false", TRUE_SEQUENTIAL,
      "true", GRAM, "memory");

  private GptqOptions() {}

  /** These options and those of a pipeline's own, with their defaults. */
  public static Map<String, String> with(Map<String, String> own) {
    Map<String, String> all = new TreeMap<>(DEFAULTS);
    all.putAll(own);
    return Map.copyOf(all);
  }

  /** Columns of a block. */
  public static int blockSize(Knobs knobs) {
    return knobs.integer(BLOCK_SIZE, 1, MAX_BLOCK);
  }

  /** The rest. */
  public static LayerByLayer.Settings settings(Knobs knobs) {
    return new LayerByLayer.Settings(knobs.number(DAMPING, 1e-9, 1), knobs.flag(ACT_ORDER), knobs.flag(TRUE_SEQUENTIAL),
        knobs.choice(GRAM, "memory", "file").equals("file"));
  }
}
