package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.LinearObserver;
import org.spikellm.model.Perplexity;
import org.spikellm.model.SpikeMode;

/** What one model shows of itself on the embedded texts. */
public final class Demonstration {

  /** Tokens a window of the perplexity measurement. */
  public static final int SEQUENCE = 256;

  private Demonstration() {}

  /**
   * A model's figures.
   *
   * @param continuation its greedy continuation of the prompt
   * @param perplexity on the embedded evaluation text
   * @param bytes of all its tensors
   * @param bitsPerWeight bits of the blocks' tensors over their linear layers' weights
   * @param cost spikes and operations of the perplexity measurement
   * @param tokens tokens of that measurement
   * @param promptTokensPerSecond rate of that measurement
   */
  public record Figures(Generation continuation, Perplexity perplexity, long bytes, double bitsPerWeight, Cost cost, long tokens,
      double promptTokensPerSecond) {}

  /** What the demo's pipeline is given: fewer epochs than its default, so that the demo takes about a minute. */
  public static final Map<String, String> PIPELINE_OPTIONS = Map.of("omniquant.epochs", "4");

  /** The quantization that the demo makes: W4A4, T = 2 for a tenth of the channels. */
  public static QuantizeOptions options() {
    return new QuantizeOptions("omniquant", "gif", "gradient", new QuantizationSpec(4, 4, 2, 0.10, 0, 2), QuantizationSpec.FLOAT_BITS, null,
        16, SEQUENCE, Long.MAX_VALUE, true);
  }

  /** The hash by which a model that was made of the embedded one names its source. */
  public static String sourceHash(Registry registry) throws IOException {
    try (Checkpoint source = Checkpoint.open(Home.model(), new CheckpointNeurons(registry, Home.model()))) {
      return SourceHash.of(source);
    }
  }

  /** Whether a model that says so of itself was quantized with the demo's options. */
  public static boolean isDescribedBy(Map<?, ?> made) {
    QuantizeOptions options = options();
    return made.get("pipeline") instanceof Map<?, ?> pipeline && options.pipeline().equals(pipeline.get("id"))
        && pipeline.get("options") instanceof Map<?, ?> given && PIPELINE_OPTIONS.get("omniquant.epochs").equals(given.get("epochs"))
        && made.get("calibration") instanceof Map<?, ?> calibration && calibration.get("samples") instanceof Number samples
        && samples.intValue() == options.samples() && made.get("weight_bits") instanceof Number bits
        && bits.intValue() == options.spec().weightBits();
  }

  /** Measures a model. */
  public static Figures measure(Path directory, String prompt, int maxTokens, Registry registry, String backend, int threads,
      Progress progress) throws IOException {
    try (LoadedModel model = LoadedModel.open(directory, registry, backend, threads, SpikeMode.COLLAPSED)) {
      int[] ids = model.tokenizer().encode(prompt, model.tokenizer().addsBos());
      SamplingOptions greedy = new SamplingOptions(0, 0, 1, 0, 1.1, 2, maxTokens, List.of());
      Generation.run(model, ids, ids, model.decoder().newCache(ids.length + maxTokens), greedy,
          new Sampler(greedy), text -> { });
      Generation continuation =
          Generation.run(model, ids, ids, model.decoder().newCache(ids.length + maxTokens), greedy,
              new Sampler(greedy), text -> { });
      Path text = Home.evaluationText();
      Cost cost = new Cost(model.checkpoint());
      model.decoder().observe(cost::block);
      Perplexity perplexity = Evaluation.perplexity(model, TextFile.read(text), "the embedded text", SEQUENCE, Integer.MAX_VALUE, progress);
      model.decoder().observe(block -> LinearObserver.NONE);
      long began = System.nanoTime();
      Evaluation.perplexity(model, TextFile.read(text), "the embedded text", SEQUENCE, Integer.MAX_VALUE, progress);
      double seconds = (System.nanoTime() - began) / 1e9;
      return new Figures(continuation, perplexity, model.checkpoint().tensorBytes(),
          8.0 * model.checkpoint().blockBytes() / model.checkpoint().config().blockWeights(), cost, perplexity.tokens(),
          perplexity.tokens() / seconds);
    }
  }
}
