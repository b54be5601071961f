package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.AffineQuantizer;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.CheckpointWriter;

/** Quantizes a checkpoint block by block, on any pipeline. */
public final class Quantization {

  private static final Pattern NUMBER = Pattern.compile("[+-]?(0|[1-9]\\d{0,30})(\\.\\d{1,30})?([eE][+-]?\\d{1,3})?");

  private final Registry registry;
  private final QuantizeOptions options;
  private final Progress progress;
  private final SharedCalibration shared;

  public Quantization(Registry registry, QuantizeOptions options, Progress progress) {
    this(registry, options, progress, null);
  }

  /** @param shared with other quantizations of the same source on the same windows, or null */
  Quantization(Registry registry, QuantizeOptions options, Progress progress, SharedCalibration shared) {
    this.shared = shared;
    this.registry = registry;
    this.options = options;
    this.progress = progress;
  }

  /**
   * What a quantization was like.
   *
   * @param blocks how many there are
   * @param resumed how many of them an earlier run had finished
   * @param seconds how long it took
   * @param records what was measured of each block
   * @param bytes size of the checkpoint
   * @param bitsPerWeight bits of the blocks' tensors over the weights of their linear layers
   */
  public record Result(int blocks, int resumed, double seconds, List<BlockRecord> records, long bytes, double bitsPerWeight) {

    /** The share of the blocks' weights that are 0. */
    public double sparsity() {
      return records.stream().mapToDouble(BlockRecord::sparsity).average().orElse(0);
    }

    /** The mean time steps of the blocks' weights; NaN where not all of them are spike trains. */
    public double equalSteps() {
      return records.stream().mapToDouble(BlockRecord::equalSteps).average().orElse(Double.NaN);
    }

    /** All warnings, each with its block, counted from 1. */
    public List<String> warnings() {
      List<String> all = new ArrayList<>();
      for (int i = 0; i < records.size(); i++) {
        for (String warning : records.get(i).warnings()) {
          all.add("block " + (i + 1) + ": " + warning);
        }
      }
      return all;
    }
  }

  /** Quantizes {@code source} into {@code out}. */
  public Result run(Path source, Path out, String backend, int threads) throws IOException {
    long began = System.nanoTime();
    QuantizationPipeline pipeline = registry.find(QuantizationPipeline.class, options.pipeline());
    NeuronModel neuron = registry.find(NeuronModel.class, options.neuron());
    SalienceDetector detector = registry.find(SalienceDetector.class, options.detector());
    ComputeBackend found = registry.backend(backend);
    CheckpointWriter.requireFree(out);
    try (Checkpoint checkpoint = Checkpoint.open(source, new CheckpointNeurons(registry, source));
        Tokenizer tokenizer = LoadedModel.tokenizer(checkpoint)) {
      if (checkpoint.config().packed()) {
        throw new CheckpointException(source + ": is quantized already; quantize the float checkpoint that it was made from");
      }
      Path file = options.calibration() == null ? Home.calibrationText() : options.calibration();
      String text = TextFile.read(file);
      int sequence = Math.min(options.sequence(), checkpoint.config().contextLength());
      List<int[]> windows = CalibrationWindows.draw(tokenizer.encode(text, tokenizer.addsBos()), file.toString(), options.samples(),
          sequence, options.spec().seed());
      QuantizationRequest request = new QuantizationRequest(options.spec(), pipeline, neuron, detector, windows,
          options.memory(), shared);
      progress.begin("Hashing the source", 1, "checkpoint");
      Map<String, Object> description =
          description(SourceHash.of(checkpoint), SourceHash.of(text.getBytes(StandardCharsets.UTF_8)), windows, found);
      progress.end();
      try (CheckpointWriter writer = CheckpointWriter.open(out, checkpoint, description, options.resume())) {
        if (writer.discarded() > 0) {
          progress.say("Beginning anew: the " + writer.discarded() + " blocks that an unfinished run left are of another task");
        }
        int resumed = writer.finishedBlocks();
        if (resumed > 0) {
          progress.say("Going on after block " + resumed + " of " + checkpoint.config().blocks() + ", which an earlier run finished");
        }
        List<BlockRecord> records = new BlockwiseRun(checkpoint, writer, request, found, threads, progress).run(resumed);
        long blockBytes = writer.blockBytes();
        long bytes = writer.finish(head(checkpoint), description);
        return new Result(records.size(), resumed, (System.nanoTime() - began) / 1e9, records, bytes,
            8.0 * blockBytes / checkpoint.config().blockWeights());
      }
    }
  }

  private LinearWeight head(Checkpoint checkpoint) throws CheckpointException {
    LinearWeight head = checkpoint.head();
    return options.headBits() == QuantizationSpec.FLOAT_BITS ? head : AffineQuantizer.quantize(((DenseWeight) head).values(),
        ChannelOrder.identity(head.columns()), options.headBits(), 0, AffineQuantizer.Clipping.of(1));
  }

  /** Everything that determines the result; it is stored with it, and a run of the same is resumed. */
  private Map<String, Object> description(String sourceHash, String textHash, List<int[]> windows, ComputeBackend backend)
      throws IOException {
    QuantizationSpec spec = options.spec();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("program", ApiVersion.program());
    map.put("pipeline", provider(QuantizationPipeline.class, options.pipeline()));
    Map<String, Object> neuron = provider(NeuronModel.class, options.neuron());
    map.put("neuron", spec.encodesActivations() ? neuron : null);
    map.put("weight_neuron", spec.encodesActivations() ? null : neuron);
    map.put("salience", provider(SalienceDetector.class, options.detector()));
    map.put("weight_bits", spec.weightBits());
    map.put("activation_bits", spec.activationBits());
    map.put("steps", spec.timeSteps());
    map.put("salient", spec.salient());
    map.put("group_size", spec.groupSize());
    map.put("head_bits", options.headBits());
    map.put("seed", spec.seed());
    Map<String, Object> calibration = new LinkedHashMap<>();
    calibration.put("sha256", textHash);
    calibration.put("samples", options.samples());
    calibration.put("sequence", windows.getFirst().length);
    calibration.put("windows_sha256", SourceHash.of(windows));
    map.put("calibration", calibration);
    map.put("backend", backend.id());
    Origin computed = registry.origin(ComputeBackend.class, backend.id());
    if (computed.plugin()) {
      map.put("backend_plugin", CheckpointNeurons.jar(computed));
    }
    map.put("source", Map.of("sha256", sourceHash));
    return map;
  }

  /** A provider with all its options, so that a default that was spelt out, or has changed, tells. */
  private <P extends Provider> Map<String, Object> provider(Class<P> type, String id) throws IOException {
    Map<String, String> options = new TreeMap<>(registry.find(type, id).options());
    options.putAll(registry.options(id));
    options.replaceAll((key, value) -> canonical(value));
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("id", id);
    map.put("options", options);
    Origin origin = registry.origin(type, id);
    if (origin.plugin()) {
      map.put("plugin", CheckpointNeurons.jar(origin));
    }
    return map;
  }

  /** One spelling of what can only be a number: 1e-2 is 0.01, and 0101 stays, which may be a mask. */
  private static String canonical(String value) {
    if (!NUMBER.matcher(value).matches()) {
      return value;
    }
    return new BigDecimal(value).stripTrailingZeros().toPlainString();
  }
}
