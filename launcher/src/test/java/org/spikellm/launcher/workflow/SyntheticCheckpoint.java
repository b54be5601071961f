package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.spikellm.api.DType;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;
import org.spikellm.model.Json;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.SafetensorsWriter;

/**
 * Writes a checkpoint with random F16 weights, a shard a block, for measuring how much memory the shape of a large model needs:
 * {@code SyntheticCheckpoint CONFIG TOKENIZER OUT}, with a config.json of that shape and any tokenizer.json that fits its vocabulary.
 */
public final class SyntheticCheckpoint {

  private SyntheticCheckpoint() {}

  public static void main(String[] args) throws IOException {
    write(Path.of(args[0]), Path.of(args[1]), Path.of(args[2]));
  }

  static void write(Path configFile, Path tokenizer, Path out) throws IOException {
    Files.createDirectories(out);
    Files.copy(configFile, out.resolve("config.json"), StandardCopyOption.REPLACE_EXISTING);
    Files.copy(tokenizer, out.resolve("tokenizer.json"), StandardCopyOption.REPLACE_EXISTING);
    ModelConfig config = ModelConfig.read(configFile);
    Map<String, Object> index = new LinkedHashMap<>();
    for (int block = 0; block <= config.blocks(); block++) {
      Map<String, Tensor> tensors = block < config.blocks() ? block(config, block) : ends(config);
      String file = "model-%05d-of-%05d.safetensors".formatted(block + 1, config.blocks() + 1);
      SafetensorsWriter.write(out.resolve(file), tensors);
      tensors.keySet().forEach(name -> index.put(name, file));
    }
    Files.writeString(out.resolve("model.safetensors.index.json"), Json.writePretty(Map.of("weight_map", index)));
  }

  private static Map<String, Tensor> block(ModelConfig config, int block) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    String prefix = "model.layers." + block + ".";
    int hidden = config.block().hidden();
    tensors.put(prefix + "input_layernorm.weight", ones(hidden));
    tensors.put(prefix + "post_attention_layernorm.weight", ones(hidden));
    for (Projection p : Projection.values()) {
      tensors.put(prefix + p.tensorName() + ".weight", random(config.block().rows(p), config.block().columns(p), block * 31L + p.ordinal()));
    }
    return tensors;
  }

  private static Map<String, Tensor> ends(ModelConfig config) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", random(config.vocabulary(), config.block().hidden(), 1));
    tensors.put("model.norm.weight", ones(config.block().hidden()));
    tensors.put("lm_head.weight", random(config.vocabulary(), config.block().hidden(), 2));
    return tensors;
  }

  private static Tensor ones(int columns) {
    Tensor tensor = Tensor.allocate(DType.F16, 1, columns);
    for (int c = 0; c < columns; c++) {
      tensor.setFloat(0, c, 1);
    }
    return tensor;
  }

  /** Uniform with variance 1/columns. */
  private static Tensor random(int rows, int columns, long seed) {
    Tensor tensor = Tensor.allocate(DType.F16, rows, columns);
    SplittableRandom random = new SplittableRandom(seed);
    float scale = (float) Math.sqrt(12.0 / columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        tensor.setFloat(r, c, ((random.nextInt() >>> 8) * 0x1p-24f - 0.5f) * scale);
      }
    }
    return tensor;
  }
}
