package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Tensor;

/** What config.json may say. */
class ModelConfigTest {

  private static Map<String, Object> json(Object... changes) {
    Map<String, Object> json = new HashMap<>(Map.of("architectures", List.of("LlamaForCausalLM"), "hidden_size", 64L,
        "intermediate_size", 96L, "num_hidden_layers", 2L, "num_attention_heads", 8L, "num_key_value_heads", 4L, "vocab_size", 100L,
        "max_position_embeddings", 128L));
    for (int i = 0; i < changes.length; i += 2) {
      json.put((String) changes[i], changes[i + 1]);
    }
    return json;
  }

  private static ModelConfig config(Object... changes) throws CheckpointException {
    return ModelConfig.of(json(changes), "config.json");
  }

  private static void refused(String part, Object... changes) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> config(changes));
    assertTrue(e.getMessage().contains(part), e.getMessage());
  }

  @Test
  void defaultsAreThoseOfTheFamily() throws CheckpointException {
    ModelConfig config = config();
    assertEquals(8, config.block().headDim());
    assertEquals(1e-6f, config.block().epsilon());
    assertEquals(RopeScaling.plain(10_000), config.rope());
    assertEquals(List.of(false, false, false), List.of(config.tiedEmbeddings(), config.attentionBias(), config.mlpBias()));
    assertEquals(8, ModelConfig.of(without("num_key_value_heads"), "x").block().kvHeads());
    assertEquals(16, config("head_dim", 16L).block().headDim());
  }

  private static Map<String, Object> without(String name) {
    Map<String, Object> json = json();
    json.remove(name);
    return json;
  }

  @Test
  void whatIsNotOfTheFamilyIsRefusedByName() {
    refused("Qwen3ForCausalLM", "architectures", List.of("Qwen3ForCausalLM"));
    refused("gelu", "hidden_act", "gelu");
    refused("sliding_window", "architectures", List.of("MistralForCausalLM"), "sliding_window", 64L);
    refused("partial_rotary_factor", "partial_rotary_factor", 0.5);
    refused("dynamic", "rope_scaling", Map.of("type", "dynamic", "factor", 2.0));
    refused("factor", "rope_scaling", Map.of("type", "linear", "factor", -2.0));
    refused("head_dim", "head_dim", 7L);
    refused("hidden_size", "hidden_size", 63L);
    refused("vocab_size", "vocab_size", 1.5);
    refused("rms_norm_eps", "rms_norm_eps", 2.0);
    refused("attention_bias", "attention_bias", "yes");
  }

  @Test
  void linearScalingSlowsEveryFrequency() throws CheckpointException {
    RopeScaling rope = config("rope_theta", 5e5, "rope_scaling", Map.of("rope_type", "linear", "factor", 4.0)).rope();
    for (int i = 0; i < 4; i++) {
      assertEquals(Math.pow(5e5, -i / 4.0) / 4, rope.frequency(i, 8), 1e-6 * Math.pow(5e5, -i / 4.0));
    }
  }

  @Test
  void llama3ScalingNeedsAHighFrequencyAboveTheLowOne() {
    for (double high : new double[] {1, 0.5}) {
      CheckpointException e = assertThrows(CheckpointException.class, () -> config("rope_parameters", Map.of("rope_type", "llama3",
          "rope_theta", 5e5, "factor", 8.0, "low_freq_factor", 1.0, "high_freq_factor", high, "original_max_position_embeddings", 8192L)));
      assertTrue(e.getMessage().contains("high_freq_factor") && e.getMessage().contains("above low_freq_factor (1.0)"), e.getMessage());
    }
  }

  /** The published rule in its three cases, with wavelengths in positions. */
  @Test
  void llama3ScalingKeepsShortWavesAndStretchesLongOnes() throws CheckpointException {
    RopeScaling rope = config("rope_parameters", Map.of("rope_type", "llama3", "rope_theta", 5e5, "factor", 8.0, "low_freq_factor", 1.0,
        "high_freq_factor", 4.0, "original_max_position_embeddings", 8192L)).rope();
    int headDim = 128;
    int[] cases = new int[3];
    for (int i = 0; i < headDim / 2; i++) {
      double plain = Math.pow(5e5, -2.0 * i / headDim);
      double wave = 2 * Math.PI / plain;
      double expected;
      if (wave < 8192 / 4.0) {
        expected = plain;
        cases[0]++;
      } else if (wave > 8192) {
        expected = plain / 8;
        cases[1]++;
      } else {
        double smooth = (8192 / wave - 1) / 3;
        expected = (1 - smooth) * plain / 8 + smooth * plain;
        cases[2]++;
      }
      assertEquals(expected, rope.frequency(i, headDim), 1e-5 * expected, "pair " + i);
    }
    assertTrue(cases[0] > 0 && cases[1] > 0 && cases[2] > 0);
  }

  @Test
  void theTableHoldsCosinesThenSines() {
    Tensor table = RopeScaling.plain(100).table(3, 4);
    assertEquals(Math.cos(2 * 0.1), table.getFloat(2, 1), 1e-7);
    assertEquals(Math.sin(2 * 1.0), table.getFloat(2, 2), 1e-7);
  }
}
