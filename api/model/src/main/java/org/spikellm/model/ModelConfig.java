package org.spikellm.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.spikellm.api.BlockShape;

/**
 * What config.json says of a LLaMA-family decoder.
 *
 * @param block sizes of every block
 * @param blocks number of blocks
 * @param vocabulary number of tokens
 * @param contextLength most positions the model was made for
 * @param rope rotary embedding
 * @param tiedEmbeddings whether the head is the embedding table
 * @param attentionBias whether q, k, v and o have biases
 * @param mlpBias whether gate, up and down have biases
 * @param json the whole file
 */
public record ModelConfig(BlockShape block, int blocks, int vocabulary, int contextLength, RopeScaling rope, boolean tiedEmbeddings,
    boolean attentionBias, boolean mlpBias, Map<String, Object> json) {

  private static final Set<String> ARCHITECTURES = Set.of("LlamaForCausalLM", "MistralForCausalLM");
  private static final Set<String> MODEL_TYPES = Set.of("llama", "mistral");
  private static final int MAX_SIZE = 1 << 20;
  private static final int MAX_VOCABULARY = 1 << 24;
  private static final int MAX_BLOCKS = 1 << 12;
  private static final int MAX_CONTEXT = 1 << 28;

  /**
   * Reads config.json.
   *
   * @throws CheckpointException if it is missing, is not JSON, describes another architecture, or has sizes that cannot be
   */
  public static ModelConfig read(Path file) throws IOException {
    return of(Json.readObject(file), file.toString());
  }

  /** As {@link #read}, from parsed JSON; {@code where} names it in errors. */
  public static ModelConfig of(Map<String, Object> json, String where) throws CheckpointException {
    Fields fields = new Fields(json, where);
    checkArchitecture(fields);
    int hidden = fields.size("hidden_size", MAX_SIZE);
    int heads = fields.size("num_attention_heads", MAX_SIZE);
    int kvHeads = fields.has("num_key_value_heads") ? fields.size("num_key_value_heads", MAX_SIZE) : heads;
    if (heads % kvHeads != 0) {
      throw fields.wrong("num_key_value_heads", "a divisor of num_attention_heads (" + heads + ")", kvHeads);
    }
    if (!fields.has("head_dim") && hidden % heads != 0) {
      throw fields.wrong("hidden_size", "a multiple of num_attention_heads (" + heads + ")", hidden);
    }
    int headDim = fields.has("head_dim") ? fields.size("head_dim", MAX_SIZE) : hidden / heads;
    if (headDim % 2 != 0) {
      throw fields.wrong("head_dim", "an even number", headDim);
    }
    if ((long) heads * headDim > MAX_SIZE) {
      throw fields.wrong("num_attention_heads", "heads of " + headDim + " channels that make at most " + MAX_SIZE, heads);
    }
    double epsilon = fields.number("rms_norm_eps", 1e-6);
    if (!(epsilon >= 0 && epsilon < 1)) {
      throw fields.wrong("rms_norm_eps", "a number from 0 to 1", epsilon);
    }
    BlockShape block = new BlockShape(hidden, heads, kvHeads, headDim, fields.size("intermediate_size", MAX_SIZE), (float) epsilon);
    int context = fields.size("max_position_embeddings", MAX_CONTEXT);
    return new ModelConfig(block, fields.size("num_hidden_layers", MAX_BLOCKS), fields.size("vocab_size", MAX_VOCABULARY), context,
        RopeScaling.of(fields), fields.flag("tie_word_embeddings", false), fields.flag("attention_bias", false),
        fields.flag("mlp_bias", false), json);
  }

  private static void checkArchitecture(Fields fields) throws CheckpointException {
    Object names = fields.get("architectures");
    if (names instanceof List<?> list && !list.isEmpty()) {
      if (!ARCHITECTURES.contains(String.valueOf(list.getFirst()))) {
        throw fields.wrong("architectures", "one of " + ARCHITECTURES.stream().sorted().toList(), list.getFirst());
      }
    } else if (fields.get("model_type") == null) {
      throw fields.wrong("architectures", "one of " + ARCHITECTURES.stream().sorted().toList(), null);
    } else if (!MODEL_TYPES.contains(fields.text("model_type", ""))) {
      throw fields.wrong("model_type", "one of " + MODEL_TYPES.stream().sorted().toList(), fields.get("model_type"));
    }
    if (fields.get("sliding_window") instanceof Long window && window < fields.size("max_position_embeddings", MAX_CONTEXT)) {
      throw fields.wrong("sliding_window", "null: attention over a window is not supported", window);
    }
    String activation = fields.text("hidden_act", "silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw fields.wrong("hidden_act", "silu", activation);
    }
    if (fields.number("partial_rotary_factor", 1) != 1) {
      throw fields.wrong("partial_rotary_factor", "1", fields.get("partial_rotary_factor"));
    }
    if (fields.get("quantization_config") instanceof Map<?, ?> map && !"spikellm".equals(map.get("quant_method"))) {
      throw fields.wrong("quantization_config.quant_method", "spikellm, or a checkpoint that is not quantized",
          map.get("quant_method"));
    }
  }

  /** Whether this is a checkpoint that {@link CheckpointWriter} wrote. */
  public boolean packed() {
    return json.get("quantization_config") instanceof Map<?, ?>;
  }

  /** Weights of all blocks' linear layers. */
  public long blockWeights() {
    return block.weights() * blocks;
  }
}
