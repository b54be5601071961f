package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.launcher.workflow.SamplingOptions;
import picocli.CommandLine.Option;

/** The options of everything that generates text. */
final class GenerationOptions {

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "256",
      description = "Most tokens to generate. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Option(names = "--temperature", paramLabel = "X", defaultValue = "0.8",
      description = "0 takes the likeliest token; more is more varied. Default: ${DEFAULT-VALUE}.")
  private double temperature;

  @Option(names = "--top-k", paramLabel = "N", defaultValue = "40",
      description = "Draw from the N likeliest tokens; 0: from all. Default: ${DEFAULT-VALUE}.")
  private int topK;

  @Option(names = "--top-p", paramLabel = "X", defaultValue = "0.95",
      description = "Draw from the likeliest tokens that together have this probability. Default: ${DEFAULT-VALUE}.")
  private double topP;

  @Option(names = "--min-p", paramLabel = "X", defaultValue = "0.05",
      description = "Draw from tokens with at least this share of the likeliest one's probability. Default: ${DEFAULT-VALUE}.")
  private double minP;

  @Option(names = "--repeat-penalty", paramLabel = "X", defaultValue = "1",
      description = "Above 1: avoid tokens seen before. Default: ${DEFAULT-VALUE}.")
  private double repeatPenalty;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "2",
      description = "Seed of the draws. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--stop", paramLabel = "TEXT", description = "Text that ends the answer; may be given several times.")
  private List<String> stops = new ArrayList<>();

  @Option(names = "--step-by-step",
      description = "Run every time step through the neurons instead of computing counts at once: same numbers, slower.")
  boolean stepByStep;

  /** The options, checked; {@code more} are further texts to stop at. */
  SamplingOptions sampling(CommonOptions common, List<String> more) {
    List<String> all = new ArrayList<>(stops);
    all.addAll(more);
    try {
      return new SamplingOptions(temperature, topK, topP, minP, repeatPenalty, seed, maxTokens, all);
    } catch (IllegalArgumentException e) {
      throw common.wrong(e.getMessage());
    }
  }
}
