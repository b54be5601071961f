package org.spikellm.launcher.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** The options of single pipelines: short names for what {@code --option PIPELINE.KEY=VALUE} sets too. */
final class PipelineOptions {

  @Option(names = "--epochs", paramLabel = "N", description = "Epochs of training a block, for pipelines that train. Default: 20.")
  private String epochs;

  @Option(names = "--lwc", negatable = true, description = "Learn the clipping of weights. Default: --lwc.")
  private Boolean clipping;

  @Option(names = "--let", negatable = true, description = "Learn scales that pass between layers. Default: --let.")
  private Boolean smoothing;

  @Option(names = "--lwc-lr", paramLabel = "RATE", description = "AdamW's step for the clipping. Default: 1e-2.")
  private String clippingRate;

  @Option(names = "--let-lr", paramLabel = "RATE", description = "AdamW's step for the scales. Default: 1e-3.")
  private String smoothingRate;

  @Option(names = "--alpha", paramLabel = "A",
      description = "How much of the activations' range the scales take over at the start, 0 to 1. Default: 0.75.")
  private String alpha;

  @Option(names = "--aug-loss", description = "Also train towards the float block's answer to the quantized stream.")
  private Boolean augmented;

  @Option(names = "--plan", paramLabel = "FRACTION:STEPS,...", description = "gptq with spike trains: time steps of the columns, least salient "
      + "first. Default: 0.8:1,0.1:2,0.1:4.")
  private String plan;

  @Option(names = "--block-size", paramLabel = "N",
      description = "gptq, pb-llm: columns of a block; spike trains share a scale in it. Default: 128.")
  private String blockSize;

  @Option(names = "--percdamp", paramLabel = "FRACTION",
      description = "gptq, pb-llm: what is added to the Hessian's diagonal, of its mean. Default: 0.01.")
  private String damping;

  @Option(names = "--act-order", negatable = true,
      description = "gptq, pb-llm: quantize columns in the order of falling activations. Default: --no-act-order.")
  private Boolean activationOrder;

  @Option(names = "--true-sequential", negatable = true,
      description = "gptq, pb-llm: let layers see what the quantized ones before them make. Default: --true-sequential.")
  private Boolean trueSequential;

  @Option(names = "--low-fraction", paramLabel = "FRACTION", description = "pb-llm: weights that get one of two levels. Default: 0.9.")
  private String lowFraction;

  /** What was given: option on the command line to the pipeline's key and value. */
  Map<String, Map.Entry<String, String>> given() {
    Map<String, Map.Entry<String, String>> given = new LinkedHashMap<>();
    put(given, "--epochs", "epochs", epochs);
    put(given, "--lwc", "lwc", clipping);
    put(given, "--let", "let", smoothing);
    put(given, "--lwc-lr", "lwc-lr", clippingRate);
    put(given, "--let-lr", "let-lr", smoothingRate);
    put(given, "--alpha", "alpha", alpha);
    put(given, "--aug-loss", "aug-loss", augmented);
    put(given, "--plan", "plan", plan);
    put(given, "--block-size", "block-size", blockSize);
    put(given, "--percdamp", "percdamp", damping);
    put(given, "--act-order", "act-order", activationOrder);
    put(given, "--true-sequential", "true-sequential", trueSequential);
    put(given, "--low-fraction", "low-fraction", lowFraction);
    return given;
  }

  private static void put(Map<String, Map.Entry<String, String>> given, String option, String key, Object value) {
    if (value != null) {
      given.put(option, Map.entry(key, value.toString()));
    }
  }
}
