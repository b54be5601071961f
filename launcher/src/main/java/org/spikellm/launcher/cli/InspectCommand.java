package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.spikellm.api.Block;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.launcher.workflow.LoadedModel;
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

  @Option(names = "--layers", description = "Also list every linear layer.")
  private boolean layers;

  @Override
  public Integer call() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model, LoadedModel.neurons(common.registry()))) {
      Map<String, Object> summary = summary(checkpoint);
      List<Map<String, Object>> linears = linears(checkpoint);
      if (common.json) {
        summary.put("layers", linears);
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

  private static List<Map<String, Object>> linears(Checkpoint checkpoint) throws IOException {
    List<Map<String, Object>> list = new ArrayList<>();
    for (int i = 0; i < checkpoint.config().blocks(); i++) {
      Block block = checkpoint.block(i);
      for (Projection projection : Projection.values()) {
        Block.Linear linear = block.linear(projection);
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("block", i);
        map.put("layer", projection.tensorName());
        map.put("rows", linear.weight().rows());
        map.put("columns", linear.weight().columns());
        map.put("classes", classes(linear));
        list.add(map);
      }
    }
    return list;
  }

  private static List<Map<String, Object>> classes(Block.Linear linear) {
    LinearWeight weight = linear.weight();
    int count = linear.input() != null ? linear.input().order().classes()
        : weight instanceof QuantizedWeight quantized ? quantized.classes().size() : 1;
    List<Map<String, Object>> list = new ArrayList<>();
    for (int c = 0; c < count; c++) {
      Map<String, Object> map = new LinkedHashMap<>();
      if (weight instanceof QuantizedWeight quantized) {
        CodeClass codes = quantized.classes().get(c);
        map.put("columns", codes.columns());
        map.put("weight_bits", codes.bits());
      } else {
        map.put("columns", linear.input() == null ? weight.columns() : linear.input().order().end(c) - linear.input().order().start(c));
        map.put("weight_type", ((DenseWeight) weight).values().dtype().name());
      }
      if (linear.input() != null) {
        Dynamics dynamics = linear.input().dynamics().get(c);
        map.put("time_steps", dynamics.timeSteps());
        map.put("levels", List.of(dynamics.lowLevel(), dynamics.highLevel()));
      }
      list.add(map);
    }
    return list;
  }

  private void print(Map<String, Object> summary, List<Map<String, Object>> linears, Checkpoint checkpoint) {
    Table table = new Table();
    summary.forEach((name, value) -> table.row(name.replace('_', ' '), value instanceof Double number
        ? String.format(Locale.ROOT, "%.3f", number) : name.endsWith("bytes") ? Table.bytes((Long) value) : String.valueOf(value)));
    checkpoint.quantization().forEach((name, value) -> table.row(name.replace('_', ' '),
        value instanceof String text ? text : Json.write(value)));
    table.leftAligned().print(common.out);
    if (!layers) {
      return;
    }
    common.out.println();
    Table list = new Table().row("layer", "shape", "classes");
    for (Map<String, Object> layer : linears) {
      String classes = ((List<?>) layer.get("classes")).stream().map(String::valueOf).collect(Collectors.joining(" "));
      list.row(layer.get("block") + "." + layer.get("layer"), layer.get("rows") + " x " + layer.get("columns"), classes);
    }
    list.leftAligned().print(common.out);
  }
}
