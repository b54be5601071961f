package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.report.Comparison;
import org.spikellm.launcher.report.Page;
import org.spikellm.launcher.report.QuantizationReport;
import org.spikellm.launcher.report.ReportFile;
import org.spikellm.launcher.report.RunFacts;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.launcher.workflow.ProcessMemory;
import org.spikellm.launcher.workflow.Quantization;
import org.spikellm.launcher.workflow.QuantizeOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Turns a float checkpoint into a spiking one. */
@Command(name = "quantize", description = "Turn a float checkpoint into a spiking one.",
    footer = {"", "A run that was stopped goes on from its last finished block when called again with the same arguments."})
final class QuantizeCommand implements Callable<Integer> {

  /** The options that the quantities of {@link QuantizationSpec}'s errors come from. */
  private static final Map<String, String> OPTIONS = Map.of("weight bits", "--weight-bits", "activation bits", "--activation-bits",
      "time steps", "--steps", "salient fraction", "--salient", "group size", "--group-size");

  @Mixin
  private CommonOptions common;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of a checkpoint in the Hugging Face layout.")
  private Path model;

  @Parameters(index = "1", paramLabel = "OUT", description = "Directory to write, which must not exist or be empty.")
  private Path out;

  @Option(names = "--pipeline", paramLabel = "ID", defaultValue = "omniquant",
      description = "How blocks are quantized. Default: ${DEFAULT-VALUE}.")
  private String pipeline;

  @Option(names = "--neuron", paramLabel = "ID", defaultValue = "gif",
      description = "Which neuron encodes activations, keys and values. Default: ${DEFAULT-VALUE}.")
  private String neuron;

  @Option(names = "--salience", paramLabel = "ID", defaultValue = "gradient",
      description = "Which detector scores channels. Default: ${DEFAULT-VALUE}.")
  private String salience;

  @Option(names = "--weight-bits", paramLabel = "N",
      description = "Bits of a weight: 2 to 8, or 16 to keep them; of spike trains, of a step. Default: 4; gptq's spike trains: 2.")
  private Integer weightBits;

  @Option(names = "--activation-bits", paramLabel = "N",
      description = "Bits of an activation in a time step: 2 to 15, or 16 not to encode. Default: 4; gptq and pb-llm: 16.")
  private Integer activationBits;

  @Option(names = "--steps", paramLabel = "T", description = "Time steps of salient channels. Default: 2.")
  private Integer steps;

  @Option(names = "--salient", paramLabel = "FRACTION", description = "Fraction of the channels that are salient. Default: 0.10.")
  private Double salient;

  @Option(names = "--group-size", paramLabel = "N", description = "Weights that share a scale; 0: a row. Default: 0.")
  private Integer groupSize;

  @Option(names = "--head-bits", paramLabel = "N", defaultValue = "16",
      description = "Bits of the head: 8, or 16 to keep its type. Default: ${DEFAULT-VALUE}.")
  private int headBits;

  @Option(names = "--calibration", paramLabel = "FILE", description = "Text to calibrate on. Default: the embedded text.")
  private Path calibration;

  @Option(names = "--samples", paramLabel = "N", defaultValue = "128", description = "Calibration windows. Default: ${DEFAULT-VALUE}.")
  private int samples;

  @Option(names = "--sequence", paramLabel = "N", defaultValue = "2048",
      description = "Tokens a window; at most the model's limit. Default: ${DEFAULT-VALUE}.")
  private int sequence;

  @Option(names = "--memory", paramLabel = "SIZE", defaultValue = "1G",
      description = "Memory for the calibration samples on their way, as in 512M or 8G; more goes to temporary files. "
          + "Default: ${DEFAULT-VALUE}.")
  private String memory;

  @Option(names = "--seed", paramLabel = "N", defaultValue = "2", description = "Seed of everything random. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Mixin
  private PipelineOptions own;

  @Option(names = "--no-resume", description = "Begin anew even if an earlier run left finished blocks.")
  private boolean noResume;

  @Option(names = "--report", paramLabel = "FILE.html",
      description = "Also write a page about the run: losses, salience, perplexity before and after, sizes, provenance.")
  private Path report;

  @Override
  public Integer call() throws IOException {
    if (samples < 1 || samples > 1 << 20) {
      throw common.wrong("--samples: expected 1 to " + (1 << 20) + ", found " + samples);
    }
    if (sequence < 2) {
      throw common.wrong("--sequence: expected 2 or more, found " + sequence);
    }
    if (headBits != 8 && headBits != QuantizationSpec.FLOAT_BITS) {
      throw common.wrong("--head-bits: expected 8 or 16, found " + headBits);
    }
    Registry registry = registry();
    QuantizationSpec spec = spec(registry);
    checkCounts(registry, spec);
    try {
      registry.find(QuantizationPipeline.class, pipeline).check(spec, registry.find(NeuronModel.class, neuron));
    } catch (IllegalArgumentException e) {
      throw common.wrong(e.getMessage());
    }
    QuantizeOptions options =
        new QuantizeOptions(pipeline, neuron, salience, spec, headBits, calibration, samples, sequence, memory(), !noResume);
    ReportFile page = report == null ? null : ReportFile.at(report, out);
    Quantization.Result result = new Quantization(registry, options, common.progress())
        .run(model, out, common.backend, common.threads());
    result.warnings().forEach(common::warnIfQuiet);
    if (common.json) {
      common.printJson(json(result));
    } else {
      common.out.printf(Locale.ROOT, "%s: %d blocks in %.1f s, %s, %.2f bits a weight, %.1f %% of the weights are 0%n", out,
          result.blocks(), result.seconds(), Table.bytes(result.bytes()), result.bitsPerWeight(), 100 * result.sparsity());
      if (!Double.isNaN(result.equalSteps())) {
        common.out.printf(Locale.ROOT, "Weights are spike trains of %.2f equal steps: the mean over all of them%n", result.equalSteps());
      }
      common.out.println("Try: spikellm generate " + Shell.quoted(out) + common.providerDirectories() + " --prompt \"Once upon a time\"");
    }
    if (page != null) {
      page.write(Page.of(report(registry, result)));
      common.note("Report: " + page);
    }
    return 0;
  }

  private QuantizationReport report(Registry registry, Quantization.Result result) throws IOException {
    Instant finished = Instant.now();
    ComputeBackend backend = registry.backend(common.backend);
    String device = backend.probe() instanceof Availability.Available(String name, int speed) ? name : "";
    Comparison comparison = Comparison.measure(model, out, null, registry, backend, common.threads(), common.progress());
    return QuantizationReport.read(model, out, registry, comparison, new RunFacts(String.join(", ", new Main.Version().getVersion()),
        backend.id(), device, common.threads(), result.seconds(), result.resumed(), finished));
  }

  /** The providers, with the options for the chosen pipeline. */
  private Registry registry() throws IOException {
    Registry registry = common.registry();
    Map<String, String> known = registry.find(QuantizationPipeline.class, pipeline).options();
    Map<String, String> values = new LinkedHashMap<>();
    own.given().forEach((option, entry) -> {
      if (!known.containsKey(entry.getKey())) {
        throw common.wrong(option + ": pipeline '" + pipeline + "' has no option '" + entry.getKey() + "'; "
            + (known.isEmpty() ? "it has none" : "it has " + new TreeMap<>(known)));
      }
      values.put(pipeline + "." + entry.getKey(), entry.getValue());
    });
    return registry.with(values);
  }

  /** Whether the neuron can count so far, before any work is done. */
  private void checkCounts(Registry registry, QuantizationSpec spec) throws IOException {
    if (!spec.encodesActivations()) {
      return;
    }
    try {
      NeuronModel found = registry.find(NeuronModel.class, neuron);
      found.dynamics(spec.activationBits(), spec.timeSteps());
      if (!found.collapsible()) {
        common.note(CheckpointNeurons.cost(found, spec.activationBits(), spec.timeSteps()));
      }
    } catch (IllegalArgumentException e) {
      throw common.wrong("--activation-bits " + spec.activationBits() + ", --steps " + spec.timeSteps() + ": " + e.getMessage());
    }
  }

  private long memory() {
    Matcher size = Pattern.compile("(\\d{1,18})([KMGT]?)B?", Pattern.CASE_INSENSITIVE).matcher(memory);
    if (!size.matches()) {
      throw common.wrong("--memory: expected a size such as 512M or 8G, found '" + memory + "'");
    }
    int power = " KMGT".indexOf((size.group(2) + " ").toUpperCase(Locale.ROOT).charAt(0));
    return (long) (Long.parseLong(size.group(1)) * Math.pow(1024, power));
  }

  /** What was given, and the pipeline's defaults for the rest. */
  private QuantizationSpec spec(Registry registry) throws IOException {
    QuantizationSpec usual = registry.find(QuantizationPipeline.class, pipeline).defaults(registry.find(NeuronModel.class, neuron));
    try {
      return new QuantizationSpec(or(weightBits, usual.weightBits()), or(activationBits, usual.activationBits()),
          or(steps, usual.timeSteps()), or(salient, usual.salient()), or(groupSize, usual.groupSize()), seed);
    } catch (IllegalArgumentException e) {
      String message = e.getMessage();
      String quantity = message.substring(0, message.indexOf(':'));
      throw common.wrong(OPTIONS.getOrDefault(quantity, quantity) + message.substring(quantity.length()));
    }
  }

  private static <T> T or(T given, T usual) {
    return given == null ? usual : given;
  }

  private Map<String, Object> json(Quantization.Result result) {
    List<Map<String, Object>> losses = new ArrayList<>();
    for (int i = 0; i < result.records().size(); i++) {
      List<Double> loss = result.records().get(i).losses();
      if (!loss.isEmpty()) {
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("block", i);
        one.put("first", loss.getFirst());
        one.put("last", loss.getLast());
        one.put("epochs", loss);
        losses.add(one);
      }
    }
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("pipeline", pipeline);
    map.put("blocks", result.blocks());
    map.put("resumed_blocks", result.resumed());
    map.put("seconds", result.seconds());
    map.put("loss", losses);
    map.put("warnings", result.warnings());
    map.put("bytes", result.bytes());
    map.put("bits_per_weight", result.bitsPerWeight());
    map.put("sparsity", result.sparsity());
    if (!Double.isNaN(result.equalSteps())) {
      map.put("equal_steps", result.equalSteps());
    }
    map.put("peak_rss_bytes", ProcessMemory.peakResidentBytes());
    if (report != null) {
      map.put("report", report.toString());
    }
    return map;
  }
}
