package org.spikellm.backend.vulkan;

/**
 * How many of a model's first blocks run on the device.
 *
 * @param wanted at most so many
 */
record Layers(int wanted) {

  /** All that there are. */
  static final Layers ALL = new Layers(Integer.MAX_VALUE);

  /**
   * How many of {@code blocks} it is.
   *
   * @param blockBytes of one
   * @param headBytes of the head, which is on the device where all blocks are
   * @param device its name
   * @param free bytes of its memory that are not in use here
   * @throws IllegalArgumentException if there are fewer than are asked for
   * @throws OutOfMemoryError if they do not fit
   */
  int taken(int blocks, long blockBytes, long headBytes, String device, long free) {
    if (wanted > blocks && wanted != ALL.wanted) {
      throw new IllegalArgumentException("option vulkan.layers=" + wanted + ": expected 1 to " + blocks
          + ", the model's blocks, or leave it out");
    }
    int taken = Math.min(wanted, blocks);
    long needed = taken * blockBytes + (taken == blocks ? headBytes : 0);
    if (needed > free) {
      long fit = Math.min(blocks - 1, free / Math.max(1, blockBytes));
      throw new OutOfMemoryError("backend 'vulkan': " + (taken == blocks ? "the model needs" : taken + " blocks need")
          + " more than " + mebibytes(needed) + " MiB, " + device + " has " + mebibytes(free) + " MiB left; "
          + (fit > 0 ? "let the CPU run the last blocks (--option vulkan.layers=" + fit + " or less), or " : "")
          + "use another --backend");
    }
    return taken;
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }
}
