package org.spikellm.model;

import java.util.List;
import org.spikellm.api.Tensor;

/** Keys and values of all blocks for the tokens seen so far, with the RoPE table for as many positions. */
public final class KvCache {

  private final List<Stage.Cache> stages;
  private final Tensor rope;
  private int length;

  KvCache(List<Stage.Cache> stages, Tensor rope) {
    this.stages = List.copyOf(stages);
    this.rope = rope;
  }

  Stage.Cache stage(int index) {
    return stages.get(index);
  }

  /** Whether a device has keys and values of some blocks. */
  boolean isOnDevice() {
    return stages.stream().anyMatch(stage -> stage.device() != null);
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
