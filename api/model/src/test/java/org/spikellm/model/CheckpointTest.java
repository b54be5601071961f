package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Block;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** The forms a float checkpoint comes in: they all hold the same model. */
class CheckpointTest {

  private static final NeuronLookup NONE = (id, options) -> {
    throw new CheckpointException("no neuron " + id);
  };
  private static final int HIDDEN = 16;
  private static final int VOCABULARY = 24;
  private static final int[] TOKENS = {3, 1, 4, 1, 5};

  @TempDir
  private Path temporary;

  private static String config(boolean tied, boolean bias) {
    return """
        {"architectures": ["LlamaForCausalLM"], "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 24, "max_position_embeddings": 32,
         "tie_word_embeddings": %s, "attention_bias": %s}""".formatted(tied, bias);
  }

  /** Random weights that every floating type holds exactly: eighths from −1 to 1. */
  private static Tensor random(DType type, int rows, int columns, Random random) {
    Tensor tensor = Tensor.allocate(type, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        tensor.setFloat(r, c, (random.nextInt(17) - 8) / 8f);
      }
    }
    return tensor;
  }

  private static Map<String, Tensor> tensors(DType type, boolean bias) throws CheckpointException {
    Random random = new Random(5);
    ModelConfig config = ModelConfig.of(Json.parseObject(config(false, bias).getBytes(), "config"), "config");
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("model.embed_tokens.weight", random(type, VOCABULARY, HIDDEN, random));
    for (int i = 0; i < 2; i++) {
      for (Projection p : Projection.values()) {
        String name = "model.layers." + i + "." + p.tensorName();
        tensors.put(name + ".weight", random(type, config.block().rows(p), config.block().columns(p), random));
        Tensor values = random(type, 1, config.block().rows(p), random);
        if (bias && p.ordinal() <= Projection.O.ordinal()) {
          tensors.put(name + ".bias", values);
        }
      }
      tensors.put("model.layers." + i + ".input_layernorm.weight", random(type, 1, HIDDEN, random));
      tensors.put("model.layers." + i + ".post_attention_layernorm.weight", random(type, 1, HIDDEN, random));
    }
    tensors.put("model.norm.weight", random(type, 1, HIDDEN, random));
    tensors.put("lm_head.weight", tensors.get("model.embed_tokens.weight"));
    return tensors;
  }

  private Path write(String name, String config, Map<String, Tensor> tensors) throws IOException {
    Path directory = Files.createDirectories(temporary.resolve(name));
    Files.writeString(directory.resolve("config.json"), config);
    SafetensorsWriter.write(directory.resolve("model.safetensors"), tensors);
    return directory;
  }

  private static float[] logits(Path directory) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(directory, NONE); Session session = new ReferenceBackend().open(1)) {
      Decoder decoder = Decoder.load(checkpoint, session, SpikeMode.COLLAPSED);
      return decoder.nextLogits(TOKENS, decoder.newCache(8)).toFloats();
    }
  }

  @Test
  void allTypesAndTiesHoldTheSameModel() throws IOException {
    float[] expected = logits(write("f32", config(false, false), tensors(DType.F32, false)));
    for (DType type : new DType[] {DType.F16, DType.BF16}) {
      assertArrayEquals(expected, logits(write(type.name(), config(false, false), tensors(type, false))), type.name());
    }
    Map<String, Tensor> embeddingsOnly = tensors(DType.F16, false);
    embeddingsOnly.remove("lm_head.weight");
    assertArrayEquals(expected, logits(write("tied", config(true, false), embeddingsOnly)));
    Map<String, Tensor> headOnly = tensors(DType.F16, false);
    headOnly.remove("model.embed_tokens.weight");
    assertArrayEquals(expected, logits(write("head", config(true, false), headOnly)));
  }

  @Test
  void shardsWithAnIndexOrWithoutHoldTheSameModel() throws IOException {
    float[] expected = logits(write("one", config(false, false), tensors(DType.F16, false)));
    Map<String, Tensor> all = tensors(DType.F16, false);
    Path directory = Files.createDirectories(temporary.resolve("shards"));
    Files.writeString(directory.resolve("config.json"), config(false, false));
    Map<String, Object> index = new LinkedHashMap<>();
    for (String shard : new String[] {"a", "b"}) {
      Map<String, Tensor> part = new LinkedHashMap<>();
      all.forEach((name, tensor) -> {
        if (name.contains("layers.0") == shard.equals("a")) {
          part.put(name, tensor);
          index.put(name, shard + ".safetensors");
        }
      });
      SafetensorsWriter.write(directory.resolve(shard + ".safetensors"), part);
    }
    assertArrayEquals(expected, logits(directory), "without an index");
    Files.writeString(directory.resolve("model.safetensors.index.json"), Json.write(Map.of("weight_map", index)));
    assertArrayEquals(expected, logits(directory), "with an index");
    Files.copy(directory.resolve("a.safetensors"), directory.resolve("c.safetensors"));
    assertArrayEquals(expected, logits(directory), "a file the index does not name is left alone");
    Files.delete(directory.resolve("model.safetensors.index.json"));
    CheckpointException e = assertThrows(CheckpointException.class, () -> logits(directory));
    assertTrue(e.getMessage().contains("also in"), e.getMessage());
  }

  @Test
  void aModelIsNotRunWithoutSomeOfItsBlocks() throws IOException {
    String one = config(false, false).replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    Path directory = write("one", one, tensors(DType.F32, false));
    CheckpointException e = assertThrows(CheckpointException.class, () -> Checkpoint.open(directory, NONE));
    assertTrue(e.getMessage().contains("config.json: num_hidden_layers: expected more than 1, since model.safetensors has tensor "
        + "'model.layers.1.") && e.getMessage().endsWith("found 1"), e.getMessage());
  }

  /** A bias on the queries' and keys' projections shifts scores, on the values' the output: checked on a block with one token. */
  @Test
  void attentionBiasesAreAdded() throws IOException {
    Map<String, Tensor> biased = tensors(DType.F32, true);
    float[] with = logits(write("biased", config(false, true), biased));
    float[] without = logits(write("ignored", config(false, false), tensors(DType.F32, true)));
    assertTrue(Stream.of(0, 1, 2).anyMatch(i -> with[i] != without[i]), "biases change nothing");
    biased.forEach((name, tensor) -> {
      if (name.endsWith(".bias")) {
        tensor.clear();
      }
    });
    assertArrayEquals(without, logits(write("zero", config(false, true), biased)), "biases of zero");
    Map<String, Tensor> missing = tensors(DType.F32, false);
    CheckpointException e =
        assertThrows(CheckpointException.class, () -> logits(write("missing", config(false, true), missing)));
    assertTrue(e.getMessage().contains("q_proj.bias"), e.getMessage());
  }

  @Test
  void aBiasIsAddedToTheProduct() {
    try (Session session = new ReferenceBackend().open(1)) {
      Tensor weight = Tensor.of(2, 1, 2, 3, 4);
      PreparedLinear linear = new PreparedLinear(session,
          new Block.Linear(new DenseWeight(weight), Tensor.of(1, 10, 20), null), SpikeMode.COLLAPSED);
      Tensor out = Tensor.allocate(DType.F32, 2, 2);
      linear.apply(Tensor.of(2, 1, 1, 0, 2), out, null, null, LinearObserver.NONE);
      assertArrayEquals(new float[] {13, 27, 14, 28}, out.toFloats());
      assertEquals(2, out.rows());
    }
  }
}
