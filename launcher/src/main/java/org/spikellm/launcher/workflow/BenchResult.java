package org.spikellm.launcher.workflow;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What was measured of one model on one backend.
 *
 * @param backend the backend's id
 * @param device what it ran on
 * @param threads threads it had
 * @param model directory or shape
 * @param shape whether {@code model} is a shape with random weights
 * @param seed of the random weights and tokens
 * @param format float, or bits of weights and activations
 * @param blocks blocks that ran
 * @param wholeBlocks blocks of the whole model
 * @param weightBytes bytes of the weights of blocks and head
 * @param bitsAWeight of the blocks, with scales and zero points
 * @param loadSeconds what preparing took
 * @param prompt the prompt, held against a rate of multiply-adds
 * @param generate the tokens after it, held against the read bandwidth
 * @param limits what the device gave beside the runs
 * @param residentBytes of the whole process, after the runs
 */
public record BenchResult(String backend, String device, int threads, String model, boolean shape, long seed, String format,
    int blocks, int wholeBlocks, long weightBytes, double bitsAWeight, double loadSeconds, Phase prompt, Phase generate,
    BenchLimits limits, OptionalLong residentBytes) {

  /**
   * One way of running tokens.
   *
   * @param tokens how many in a run
   * @param rate tokens a second
   * @param wholeRate tokens a second extrapolated to the whole model; {@code rate} where all its blocks ran
   * @param reached operations or bytes read a second, at the median rate
   * @param limit what that is held against
   */
  public record Phase(int tokens, Series rate, Series wholeRate, double reached, BenchLimits.Rate limit) {}

  /** What a phase reached of its limit's median. */
  public double share(Phase phase) {
    return phase.reached / limits.rates().get(phase.limit).median();
  }

  /** Whether only some of the model's blocks ran. */
  public boolean extrapolated() {
    return blocks < wholeBlocks;
  }

  /** As {@code --json} prints it. */
  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("backend", backend);
    json.put("device", device);
    json.put("threads", threads);
    json.put(shape ? "shape" : "model", model);
    json.put("seed", seed);
    json.put("format", format);
    json.put("blocks", blocks);
    json.put("weight_bytes", weightBytes);
    json.put("bits_per_weight", bitsAWeight);
    json.put("load_seconds", loadSeconds);
    json.put("prompt", json(prompt, "flops_per_second"));
    json.put("generate", json(generate, "read_bytes_per_second"));
    if (extrapolated()) {
      Map<String, Object> whole = new LinkedHashMap<>();
      whole.put("blocks", wholeBlocks);
      whole.put("prompt_tokens_per_second", prompt.wholeRate().median());
      whole.put("generate_tokens_per_second", generate.wholeRate().median());
      json.put("extrapolated", whole);
    }
    json.put("rss_bytes", residentBytes.isPresent() ? residentBytes.getAsLong() : null);
    json.put("limits", limits.json());
    return json;
  }

  private Map<String, Object> json(Phase phase, String quantity) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("tokens", phase.tokens);
    json.put("tokens_per_second", phase.rate.median());
    json.put("min", phase.rate.min());
    json.put("max", phase.rate.max());
    json.put(quantity, phase.reached);
    json.put("limit", phase.limit.key());
    json.put("share_of_limit", share(phase));
    return json;
  }
}
