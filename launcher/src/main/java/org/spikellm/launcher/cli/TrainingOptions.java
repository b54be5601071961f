package org.spikellm.launcher.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Option;

/** The options of pipelines that train: short names for what {@code --option PIPELINE.KEY=VALUE} sets too. */
final class TrainingOptions {

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
    return given;
  }

  private static void put(Map<String, Map.Entry<String, String>> given, String option, String key, Object value) {
    if (value != null) {
      given.put(option, Map.entry(key, value.toString()));
    }
  }
}
