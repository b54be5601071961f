package org.spikellm.launcher.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.spikellm.api.Block;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.Provider;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.BlockRecord;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.ModelConfig;

/**
 * All that the page about a quantization shows.
 *
 * @param source directory of the float checkpoint
 * @param out directory of the packed one
 * @param shape the model's sizes
 * @param made {@code quantization_config} of the packed checkpoint
 * @param defaults options of the {@code pipeline}, {@code neuron} and {@code salience} provider, as they are unless given
 * @param blocks what was measured of each block
 * @param layers the channels of every layer, layer by layer, each with its blocks in order
 * @param parts sizes
 * @param blockBytes bytes of the packed blocks' tensors
 * @param comparison perplexity before and after
 * @param run where and when
 */
public record QuantizationReport(Path source, Path out, ModelConfig shape, Map<String, Object> made,
    Map<String, Map<String, String>> defaults, List<BlockRecord> blocks, List<List<LayerChannels>> layers, List<SizePart> parts,
        long blockBytes, Comparison comparison, RunFacts run) {

  private static final String MEASURED = "measured.json";

  /** Reads what the two checkpoints tell; {@code comparison} and {@code run} are what they do not. */
  public static QuantizationReport read(Path source, Path out, Registry registry, Comparison comparison, RunFacts run)
      throws IOException {
    try (Checkpoint before = Checkpoint.open(source, new CheckpointNeurons(registry, source));
        Checkpoint after = Checkpoint.open(out, new CheckpointNeurons(registry, out))) {
      List<BlockRecord> blocks = measured(out.resolve(MEASURED));
      if (blocks.size() != after.config().blocks()) {
        throw new CheckpointException(out.resolve(MEASURED) + ": expected " + after.config().blocks() + " blocks, found "
            + blocks.size());
      }
      Map<String, Object> made = after.quantization();
      return new QuantizationReport(source, out, before.config(), made, defaults(made, registry), blocks, layers(after, blocks),
          SizePart.of(before, after), after.blockBytes(), comparison, run);
    }
  }

  private static Map<String, Map<String, String>> defaults(Map<String, Object> made, Registry registry) throws IOException {
    Map<String, Class<? extends Provider>> kinds = Map.of("pipeline", QuantizationPipeline.class, "neuron", NeuronModel.class,
        "salience", SalienceDetector.class);
    Map<String, Map<String, String>> defaults = new TreeMap<>();
    for (var kind : kinds.entrySet()) {
      if (made.get(kind.getKey()) instanceof Map<?, ?> map && map.get("id") instanceof String id) {
        defaults.put(kind.getKey(), registry.find(kind.getValue(), id, Map.of()).options());
      }
    }
    return defaults;
  }

  private static List<BlockRecord> measured(Path file) throws IOException {
    List<BlockRecord> records = new ArrayList<>();
    if (Json.readObject(file).get("blocks") instanceof List<?> list) {
      for (Object block : list) {
        if (block instanceof Map<?, ?> map) {
          @SuppressWarnings("unchecked")
          Map<String, Object> object = (Map<String, Object>) map;
          records.add(BlockRecord.of(object));
        }
      }
    }
    return records;
  }

  private static List<List<LayerChannels>> layers(Checkpoint packed, List<BlockRecord> records) throws IOException {
    int projections = Projection.values().length;
    List<List<LayerChannels>> layers = new ArrayList<>();
    for (int i = 0; i < projections + 2; i++) {
      layers.add(new ArrayList<>());
    }
    for (int i = 0; i < records.size(); i++) {
      Block block = packed.block(i);
      Map<String, List<Double>> scores = records.get(i).salience();
      for (Projection projection : Projection.values()) {
        layers.get(projection.ordinal()).add(LayerChannels.of(i, projection, block, scores.get(projection.tensorName())));
      }
      List<LayerChannels> cache = LayerChannels.keysAndValues(i, block.keyValues(), scores.get(LayerChannels.KEYS),
          scores.get(LayerChannels.VALUES));
      for (int k = 0; k < cache.size(); k++) {
        layers.get(projections + k).add(cache.get(k));
      }
    }
    layers.removeIf(List::isEmpty);
    return layers;
  }

  /** Bytes of all tensors of the source. */
  long sourceBytes() {
    return parts.stream().mapToLong(SizePart::source).sum();
  }

  /** Bytes of all tensors of the result. */
  long packedBytes() {
    return parts.stream().mapToLong(SizePart::packed).sum();
  }

  /** Bits of the blocks' tensors over the weights of their linear layers, as {@code inspect} has it. */
  double bitsPerWeight() {
    return 8.0 * blockBytes / shape.blockWeights();
  }

  /** {@code id} of a provider of the run, or null. */
  String provider(String kind) {
    return made.get(kind) instanceof Map<?, ?> map ? String.valueOf(map.get("id")) : null;
  }
}
