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

    public Linear {
      if ((quantized == null) == (dense == null) || dense != null && !dense.dtype().isFloating()) {
        throw new IllegalArgumentException("layer of a decoder: expected either a quantized weight or F32, F16 or BF16, found "
            + (quantized == null ? String.valueOf(dense) : "both"));
      }
      int rows = quantized == null ? dense.rows() : quantized.rows();
      int columns = quantized == null ? dense.columns() : quantized.columns();
      if (bias != null) {
        Shapes.f32("bias", bias, 1, rows);
      }
      if (input != null && input.order().channels() != columns) {
        throw new IllegalArgumentException("layer of a decoder: expected an encoding of " + columns + " channels, found "
            + input.order().channels());
      }
    }

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
    for (Layer block : blocks) {
      for (Projection projection : Projection.values()) {
        expect(projection.tensorName(), block.linears().get(projection), shape.rows(projection), shape.columns(projection));
      }
      Shapes.f32("norm before attention", block.attentionNorm(), 1, shape.hidden());
      Shapes.f32("norm before the MLP", block.mlpNorm(), 1, shape.hidden());
      int channels = shape.kvHeads() * shape.headDim();
      if (block.keyValues() != null && block.keyValues().channels() != channels) {
        throw new IllegalArgumentException("keys and values of a decoder: expected an encoding of " + channels + " channels, found "
            + block.keyValues().channels());
      }
    }
    if ((finalNorm == null) != (head == null)) {
      throw new IllegalArgumentException("decoder: expected a norm with a head, or neither, found one of them");
    }
    if (head != null) {
      Shapes.f32("last norm", finalNorm, 1, shape.hidden());
      expect("head", head, head.rows(), shape.hidden());
    }
  }

  private static void expect(String what, Linear linear, int rows, int columns) {
    if (linear == null || linear.rows() != rows || linear.columns() != columns) {
      throw new IllegalArgumentException(what + " of a decoder: expected a layer [" + rows + ", " + columns + "], found "
          + (linear == null ? "none" : "[" + linear.rows() + ", " + linear.columns() + "]"));
    }
  }
}
