package org.spikellm.api;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * A model, or the first of its blocks, prepared on a session, for {@link Session#decoder}.
 *
 * @param shape sizes of all blocks
 * @param blocks in the order they are run
 * @param finalNorm F32 [1, hidden]; null where other blocks follow elsewhere
 * @param head hidden states to logits; null likewise
 */
public record DecoderPlan(BlockShape shape, List<Layer> blocks, Tensor finalNorm, Linear head) {

  /**
   * A linear layer: {@code x Wᵀ + b}.
   *
   * @param quantized prepared by the session that the plan is for; null where the layer is dense
   * @param dense F32, F16 or BF16 [rows, columns]; null where it is quantized
   * @param bias F32 [1, rows], or null
   * @param input how the input becomes spikes, or null where it stays in float
   */
  public record Linear(SpikingLinear quantized, Tensor dense, Tensor bias, Encoding input) {

    /** Output channels. */
    public int rows() {
      return quantized == null ? dense.rows() : quantized.rows();
    }

    /** Input channels. */
    public int columns() {
      return quantized == null ? dense.columns() : quantized.columns();
    }
  }

  /**
   * A decoder block.
   *
   * @param linears the layer of every projection
   * @param attentionNorm F32 [1, hidden]
   * @param mlpNorm F32 [1, hidden]
   * @param keyValues how queries, keys and values are encoded, or null where they stay in float
   */
  public record Layer(Map<Projection, Linear> linears, Tensor attentionNorm, Tensor mlpNorm, KeyValueEncoding keyValues) {

    public Layer {
      linears = Collections.unmodifiableMap(new EnumMap<>(linears));
    }
  }

  public DecoderPlan {
    blocks = List.copyOf(blocks);
  }
}
