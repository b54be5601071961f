package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.registry.RegistryException;
import org.spikellm.launcher.workflow.BenchFormat;
import org.spikellm.launcher.workflow.BenchResult;
import org.spikellm.launcher.workflow.Benchmark;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.launcher.workflow.ShapeModel;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** Measures speed. */
@Command(name = "bench", description = {
    "Measure the speed of backends, side by side, and how near it comes to what the machine can do.", "",
    "Of a checkpoint, or of a model's shape with random weights made in memory. --backend takes several, parted by commas."})
final class BenchCommand implements Callable<Integer> {

  private static final int PROMPT_TOKENS = 512;
  private static final int GENERATE_TOKENS = 64;
  private static final String NEURON = "gif";
  private static final long SEED = 2;
  private static final double WARM_UP_SECONDS = 2;

  @Mixin
  private CommonOptions common;

  @Parameters(arity = "0..1", paramLabel = "MODEL", description = "Directory of a checkpoint, float or spiking.")
  private Path model;

  @Option(names = "--shape", paramLabel = "NAME[:BLOCKS]", description = "Random weights in the shape of tinyllama-1.1b, "
      + "llama-2-7b or llama-2-70b; with :BLOCKS only so many blocks, from which the whole model's speed is extrapolated.")
  private String shape;

  @Option(names = "--format", split = ",", paramLabel = "FORMAT", converter = FormatConverter.class,
      description = "What a shape's weights and activations are: ${COMPLETION-CANDIDATES}, parted by commas. "
      + "w4a4 has the salient tenth of the channels at two time steps; ternary has weights "
      + "that are spike trains of one time step, of two and four where they are salient, ternary-a8 8-bit activations too, "
      + "ternary-t1 these and one time step for all, and ternary-t1-a4 that and 4-bit activations. Default: all.")
  private List<BenchFormat> formats;

  @Option(names = "--head-bits", paramLabel = "N", description = "Bits of a shape's head: 8, or 16 for half precision. Default: 16.")
  private Integer headBits;

  @Option(names = "--prompt-tokens", paramLabel = "N",
      description = "Tokens of the prompt. Default: " + PROMPT_TOKENS + ", or what the model's limit leaves.")
  private Integer promptTokens;

  @Option(names = "--generate-tokens", paramLabel = "N",
      description = "Tokens generated after the prompt. Default: " + GENERATE_TOKENS + ".")
  private Integer generateTokens;

  @Option(names = "--repeat", paramLabel = "N", defaultValue = "5", description = "Runs that count. Default: ${DEFAULT-VALUE}.")
  private int repeat;

  @Option(names = "--csv", description = "Print the figures as CSV.")
  private boolean csv;

  @Override
  public Integer call() throws IOException {
    checkCall();
    Registry registry = common.registry();
    List<ComputeBackend> backends = backends(registry);
    List<BenchResult> results = shape == null ? model(registry, backends) : shape(registry, backends);
    List<Map<String, Object>> all = results.stream().map(BenchResult::json).toList();
    if (common.json) {
      common.out.println(Json.write(all.size() == 1 ? all.getFirst() : all));
    } else if (csv) {
      common.printCsv(all);
    } else {
      new BenchTable(results, repeat).lines().forEach(common.out::println);
    }
    return 0;
  }

  private void checkCall() {
    if ((model == null) == (shape == null)) {
      throw common.wrong("expected a MODEL or --shape NAME, found " + (model == null ? "neither" : "both"));
    }
    if (formats != null && shape == null) {
      throw common.wrong("--format is for --shape: a checkpoint has its own");
    }
    if (headBits != null && shape == null) {
      throw common.wrong("--head-bits is for --shape: a checkpoint has its own");
    }
    if (headBits != null && headBits != 8 && headBits != QuantizationSpec.FLOAT_BITS) {
      throw common.wrong("--head-bits: expected 8 or 16, found " + headBits);
    }
    positive("--prompt-tokens", promptTokens);
    positive("--generate-tokens", generateTokens);
    positive("--repeat", repeat);
    common.onlyOne(csv);
    common.threads();
  }

  private void positive(String option, Integer value) {
    if (value != null && value < 1) {
      throw common.wrong(option + ": expected 1 or more, found " + value);
    }
  }

  private List<ComputeBackend> backends(Registry registry) throws RegistryException {
    List<ComputeBackend> backends = new ArrayList<>();
    for (String id : common.backend.split(",", -1)) {
      ComputeBackend backend = registry.backend(id.strip());
      if (backends.stream().noneMatch(b -> b.id().equals(backend.id()))) {
        backends.add(backend);
      }
    }
    return backends;
  }

  private List<BenchResult> shape(Registry registry, List<ComputeBackend> backends) throws IOException {
    String[] parts = shape.split(":", 2);
    ShapeModel found = ShapeModel.named(parts[0]).orElseThrow(() -> common.wrong("--shape: there is no shape '" + parts[0]
        + "'; known ones: " + String.join(", ", ShapeModel.names())));
    int blocks = parts.length == 1 ? found.blocks() : blocks(parts[1], found);
    List<BenchFormat> chosen = formats == null ? Arrays.asList(BenchFormat.values()) : formats.stream().distinct().toList();
    NeuronModel neuron = registry.find(NeuronModel.class, NEURON);
    return benchmark(found.context(), found.name()).shape(found, blocks, headBits == null ? QuantizationSpec.FLOAT_BITS : headBits, chosen,
        backends, neuron);
  }

  private int blocks(String text, ShapeModel found) {
    try {
      int blocks = Integer.parseInt(text);
      if (blocks >= 1 && blocks <= found.blocks()) {
        return blocks;
      }
    } catch (NumberFormatException e) {
      // said below, as for a number out of range
    }
    throw common.wrong("--shape " + found.name() + ": expected 1 to " + found.blocks() + " blocks, found '" + text + "'");
  }

  private List<BenchResult> model(Registry registry, List<ComputeBackend> backends) throws IOException {
    CheckpointNeurons neurons = new CheckpointNeurons(registry, model);
    long began = System.nanoTime();
    try (Checkpoint checkpoint = Checkpoint.open(model, neurons)) {
      common.tell(neurons);
      double seconds = (System.nanoTime() - began) / 1e9;
      return benchmark(checkpoint.config().contextLength(), model.toString()).model(checkpoint, seconds, backends);
    }
  }

  /** With as many tokens as were asked for, or as fit where nothing was. */
  private Benchmark benchmark(int context, String name) {
    int generate = generateTokens != null ? generateTokens : Math.min(GENERATE_TOKENS, Math.max(1, context / 2));
    int prompt = promptTokens != null ? promptTokens : Math.min(PROMPT_TOKENS, Math.max(1, context - generate));
    if ((long) prompt + generate > context) {
      throw common.wrong("expected at most " + context + " tokens, the limit of " + name + "; found " + prompt
          + " of the prompt and " + generate + " to generate");
    }
    return new Benchmark(new Benchmark.Settings(common.threads(), prompt, generate, repeat, SEED, WARM_UP_SECONDS),
        common.progress());
  }

  /** Formats by the names that they are printed with. */
  private static final class FormatConverter implements ITypeConverter<BenchFormat> {

    @Override
    public BenchFormat convert(String value) {
      return Arrays.stream(BenchFormat.values()).filter(format -> format.toString().equalsIgnoreCase(value)).findFirst()
          .orElseThrow(() -> new TypeConversionException("expected " + Arrays.stream(BenchFormat.values()).map(BenchFormat::toString)
              .collect(Collectors.joining(", ")) + ", found '" + value + "'"));
    }
  }
}
