package org.spikellm.backend.simd;

/** Brings codes of a checkpoint into the order of {@link PackedCodes}. */
interface BlockPacker {

  /** Fills a block's codes and the scales, zeros and row sums of its groups. */
  void pack(int block);
}
