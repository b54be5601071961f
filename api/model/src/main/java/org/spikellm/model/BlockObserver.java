package org.spikellm.model;

import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/** Sees what flows through a block; tensors are only valid during the call. */
public interface BlockObserver {

  /** Whether the pass need not go on once the projections of {@code source} were to be computed: what comes after is not wanted. */
  default boolean stopsAt(Projection.Source source) {
    return false;
  }

  /** The input of the projections of {@code source}, F32 [tokens, channels]. */
  void input(Projection.Source source, Tensor x);

  /**
   * Attention of one pass.
   *
   * @param queries after RoPE, before encoding, F32 [tokens, heads · headDim]
   * @param keys after RoPE, before encoding, F32 [tokens, kvHeads · headDim]
   * @param out the heads' outputs, F32 [tokens, heads · headDim]
   */
  void attention(Tensor queries, Tensor keys, Tensor out);
}
