package org.spikellm.api;

/**
 * The sizes of a decoder block: RMS norm, attention with grouped queries and RoPE, RMS norm, SwiGLU.
 *
 * @param hidden width of the residual stream
 * @param heads query heads
 * @param kvHeads key/value heads, a divisor of {@code heads}
 * @param headDim channels a head, even
 * @param intermediate width between gate/up and down
 * @param epsilon added to the mean square in RMS norms
 */
public record BlockShape(int hidden, int heads, int kvHeads, int headDim, int intermediate, float epsilon) {

  /** Output channels of a projection. */
  public int rows(Projection projection) {
    return switch (projection) {
      case Q -> heads * headDim;
      case K, V -> kvHeads * headDim;
      case O, DOWN -> hidden;
      case GATE, UP -> intermediate;
    };
  }

  /** Input channels of a projection. */
  public int columns(Projection projection) {
    return columns(projection.source());
  }

  /** Channels of a projection's input. */
  public int columns(Projection.Source source) {
    return switch (source) {
      case ATTENTION_NORM, MLP_NORM -> hidden;
      case ATTENTION -> heads * headDim;
      case SWIGLU -> intermediate;
    };
  }

  /** Weights of the block's linear layers. */
  public long weights() {
    long sum = 0;
    for (Projection p : Projection.values()) {
      sum += (long) rows(p) * columns(p);
    }
    return sum;
  }
}
