package org.spikellm.launcher.workflow;

import java.util.List;

/**
 * How the next token is chosen.
 *
 * @param temperature 0 takes the likeliest token
 * @param topK keep only the k likeliest tokens; 0 keeps all
 * @param topP keep the likeliest tokens that together have this probability; 1 keeps all
 * @param minP keep tokens with at least this share of the likeliest one's probability; 0 keeps all
 * @param repeatPenalty divides positive and multiplies negative logits of tokens seen before; 1 does nothing
 * @param seed of the draws
 * @param maxTokens most tokens to generate
 * @param stops texts that end the answer; they are not part of it
 */
public record SamplingOptions(double temperature, int topK, double topP, double minP, double repeatPenalty, long seed, int maxTokens,
    List<String> stops) {

  public SamplingOptions {
    check("--temperature", temperature >= 0 && Double.isFinite(temperature), "0 (greedy) or more", temperature);
    check("--top-k", topK >= 0, "0 (all) or more", topK);
    check("--top-p", topP > 0 && topP <= 1, "above 0 and at most 1", topP);
    check("--min-p", minP >= 0 && minP <= 1, "0 to 1", minP);
    check("--repeat-penalty", repeatPenalty > 0 && Double.isFinite(repeatPenalty), "above 0", repeatPenalty);
    check("--max-tokens", maxTokens >= 1, "1 or more", maxTokens);
    stops = List.copyOf(stops);
    check("--stop", stops.stream().noneMatch(String::isEmpty), "text", "nothing");
  }

  private static void check(String option, boolean right, String expected, Object found) {
    if (!right) {
      throw new IllegalArgumentException(option + ": expected " + expected + ", found " + found);
    }
  }
}
