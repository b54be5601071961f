package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.api.Block;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.launcher.workflow.CheckpointNeurons;
import org.spikellm.launcher.workflow.StoredWeights;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Json;
import org.spikellm.model.ModelConfig;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a checkpoint holds. */
@Command(name = "inspect", description = "Show what a checkpoint holds: sizes, bits, classes, provenance.")
final class InspectCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of a float or quantized checkpoint.")
  private Path model;

  @Option(names = "--layers",
      description = "Also list every linear layer, class by class: how its weights are stored, how many are 0, the range of "
          + "their scales, how its input is encoded. It reads all weights.")
  private boolean layers;

  @Option(names = "--csv", description = "Print what --layers lists as CSV, and nothing else.")
  private boolean csv;

  @Override
  public Integer call() throws IOException {
    common.onlyOne(csv);
    CheckpointNeurons neurons = new CheckpointNeurons(common.registry(), model);
    try (Checkpoint checkpoint = Checkpoint.open(model, neurons.orAbsent())) {
      neurons.warnings().forEach(common::warn);
      checkpoint.verify();
      if (csv) {
        common.printCsv(linears(checkpoint).stream().flatMap(linear -> linear.classRows().stream()).toList());
        return 0;
      }
      Map<String, Object> summary = summary(checkpoint);
      List<LinearSummary> linears = common.json || layers ? linears(checkpoint) : List.of();
      if (!linears.isEmpty()) {
        List<StoredWeights> stored = linears.stream().flatMap(linear -> linear.stored().stream()).toList();
        summary.put("sparsity", StoredWeights.sparsity(stored));
        double steps = StoredWeights.equalSteps(stored);
        if (!Double.isNaN(steps)) {
          summary.put("equal_steps", steps);
        }
      }
      if (common.json) {
        summary.put("layers", linears.stream().map(LinearSummary::toJson).toList());
        summary.put("quantization", checkpoint.quantization());
        common.printJson(summary);
      } else {
        print(summary, linears, checkpoint);
      }
      return 0;
    }
  }

  private static Map<String, Object> summary(Checkpoint checkpoint) throws IOException {
    ModelConfig config = checkpoint.config();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("blocks", config.blocks());
    map.put("hidden", config.block().hidden());
    map.put("heads", config.block().heads());
    map.put("kv_heads", config.block().kvHeads());
    map.put("head_dim", config.block().headDim());
    map.put("intermediate", config.block().intermediate());
    map.put("vocabulary", config.vocabulary());
    map.put("context", config.contextLength());
    map.put("tied_embeddings", config.tiedEmbeddings());
    map.put("embeddings", checkpoint.embeddings().dtype().name());
    map.put("head", checkpoint.head() instanceof DenseWeight dense ? dense.values().dtype().name()
        : ((QuantizedWeight) checkpoint.head()).classes().getFirst().bits() + " bits");
    map.put("block_weights", config.blockWeights());
    map.put("tensor_bytes", checkpoint.tensorBytes());
    map.put("block_bytes", checkpoint.blockBytes());
    map.put("bits_per_weight", 8.0 * checkpoint.blockBytes() / config.blockWeights());
    return map;
  }

  /** Every linear layer, read once. */
  private static List<LinearSummary> linears(Checkpoint checkpoint) throws IOException {
    List<LinearSummary> list = new ArrayList<>();
    for (int i = 0; i < checkpoint.config().blocks(); i++) {
      Block block = checkpoint.block(i);
      for (Projection projection : Projection.values()) {
        list.add(LinearSummary.of(i, projection, block.linear(projection)));
      }
    }
    return list;
  }

  private void print(Map<String, Object> summary, List<LinearSummary> linears, Checkpoint checkpoint) {
    Table table = new Table();
    summary.forEach((name, value) -> table.row(name.replace('_', ' '), value instanceof Double number
        ? String.format(Locale.ROOT, "%.3f", number) : name.endsWith("bytes") ? Table.bytes((Long) value) : String.valueOf(value)));
    checkpoint.quantization().forEach((name, value) -> table.row(name.replace('_', ' '),
        value instanceof String text ? text : Json.write(value)));
    table.leftAligned().print(common.out);
    if (layers) {
      common.out.println();
      Table list = new Table().row(LinearSummary.HEADING);
      linears.forEach(linear -> linear.addTo(list));
      list.leftAligned().print(common.out);
    }
  }
}
