package org.spikellm.api;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * A decoder block as data, float or quantized.
 *
 * @param shape its sizes
 * @param linears the linear layer of every projection
 * @param attentionNorm F32 [1, hidden]
 * @param mlpNorm F32 [1, hidden]
 * @param keyValues how queries, keys and values are encoded, or null where they stay in float
 */
public record Block(BlockShape shape, Map<Projection, Linear> linears, Tensor attentionNorm, Tensor mlpNorm,
    KeyValueEncoding keyValues) {

  /**
   * One linear layer.
   *
   * @param weight dense or quantized
   * @param bias F32 [1, rows], or null
   * @param input how its input is encoded, or null where it stays in float
   */
  public record Linear(LinearWeight weight, Tensor bias, Encoding input) {

    public Linear {
      if (input != null && input.order().channels() != weight.columns()) {
        throw new IllegalArgumentException("linear layer: expected an encoding of " + weight.columns() + " channels, found "
            + input.order().channels());
      }
      if (input != null && weight instanceof QuantizedWeight quantized && !input.order().equals(quantized.order())) {
        throw new IllegalArgumentException("linear layer: the channel orders of weight and input differ");
      }
    }
  }

  public Block {
    linears = Collections.unmodifiableMap(new EnumMap<>(linears));
    for (Projection projection : Projection.values()) {
      Linear linear = linears.get(projection);
      if (linear == null || linear.weight().rows() != shape.rows(projection)
          || linear.weight().columns() != shape.columns(projection)) {
        throw new IllegalArgumentException(projection.tensorName() + ": expected a weight [" + shape.rows(projection) + ", "
            + shape.columns(projection) + "], found " + (linear == null ? "none"
            : "[" + linear.weight().rows() + ", " + linear.weight().columns() + "]"));
      }
    }
  }

  /** The linear layer of {@code projection}. */
  public Linear linear(Projection projection) {
    return linears.get(projection);
  }
}
