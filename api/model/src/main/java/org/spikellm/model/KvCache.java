package org.spikellm.model;

import java.util.List;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/** Keys and values of all blocks for the tokens seen so far, with the RoPE table for as many positions. */
public final class KvCache {

  private final List<KeyValues> blocks;
  private final DecoderSession.Cache device;
  private final Tensor rope;
  private int length;

  /** Keys and values on the host, a block each. */
  KvCache(List<KeyValues> blocks, Tensor rope) {
    this.blocks = List.copyOf(blocks);
    this.device = null;
    this.rope = rope;
  }

  /** Keys and values where a device has them. */
  KvCache(DecoderSession.Cache device, Tensor rope) {
    this.blocks = List.of();
    this.device = device;
    this.rope = rope;
  }

  KeyValues block(int index) {
    return blocks.get(index);
  }

  /** Null where keys and values are on the host. */
  DecoderSession.Cache device() {
    return device;
  }

  Tensor rope() {
    return rope;
  }

  /** Tokens seen so far: the position of the next one. */
  public int length() {
    return length;
  }

  /** Most tokens it can hold. */
  public int capacity() {
    return rope.rows();
  }

  /** Forgets all positions from {@code length} on. */
  public void truncate(int length) {
    if (length < 0 || length > this.length) {
      throw new IllegalArgumentException("cache: expected a length up to " + this.length + ", found " + length);
    }
    this.length = length;
  }

  void advance(int tokens) {
    length += tokens;
  }
}
