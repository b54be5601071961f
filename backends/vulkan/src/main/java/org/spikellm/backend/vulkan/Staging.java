package org.spikellm.backend.vulkan;

import org.spikellm.api.BlockShape;

/**
 * Where what goes to the device with a pass lies, in bytes: I32 position at 0, then the rotations F32 [tokens, headDim], then the
 * embeddings F32 [tokens, hidden]; after them, what comes back.
 *
 * @param rope of the rotations
 * @param x of the embeddings
 * @param out of what comes back, and how long what goes is
 */
record Staging(long rope, long x, long out) {

  private static final long ALIGNMENT = 256;

  static Staging of(BlockShape shape, int tokens) {
    long rope = ALIGNMENT;
    long x = aligned(rope + 4L * tokens * shape.headDim());
    return new Staging(rope, x, aligned(x + 4L * tokens * shape.hidden()));
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }
}
