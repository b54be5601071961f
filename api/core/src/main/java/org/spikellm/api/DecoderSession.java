package org.spikellm.api;

/**
 * A model on a device: weights, activations, keys and values stay there, and tokens go through all blocks in one call. It gives
 * what the kernels of the session that opened it give one after the other, within what is allowed of each. Used by one thread at
 * a time.
 */
public interface DecoderSession extends AutoCloseable {

  /** Keys and values of all blocks; whose positions are filled is for the caller to know. */
  interface Cache {

    /** Most positions. */
    int capacity();
  }

  /** An empty cache, valid until the session is closed; its memory is given back when nobody refers to it any more. */
  Cache cache(int capacity);

  /**
   * Runs consecutive tokens through all blocks and, where the plan has one, the final norm, and caches their keys and values.
   *
   * @param x embeddings, F32 [tokens, hidden], replaced by the final hidden states, or the blocks' output
   * @param cache of this decoder, filled for the positions before
   * @param position of the first token
   * @param rope table of all positions of the cache, as for {@link Session#rope}
   */
  void forward(Tensor x, Cache cache, int position, Tensor rope);

  /**
   * The same, for what comes after the last token; the plan has a head.
   *
   * @param x embeddings, F32 [tokens, hidden], replaced by anything
   * @param logits F32 [1, vocabulary], replaced
   */
  void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits);

  /**
   * What the head makes of final hidden states, as where a text is scored; {@link #forward} gives them.
   *
   * @param hidden F32 [tokens, hidden]
   * @param logits F32 [tokens, vocabulary], replaced
   * @return whether it did that; by default false, where the session's other methods are as good at it, or the plan has no head
   */
  default boolean logits(Tensor hidden, Tensor logits) {
    return false;
  }

  /** Gives the device's memory back; a second call does nothing. */
  @Override
  void close();
}
