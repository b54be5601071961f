package org.spikellm.backend.vulkan;

/**
 * What is alike in all rows of a class of columns.
 *
 * @param index among the classes of the weight's order
 * @param columns how many
 * @param zero zero point of all codes, where rows have none of their own
 * @param groups of columns
 * @param runs of columns, as {@link CodeBlocks#runs}
 * @param whole whether all pieces are whole blocks
 * @param largestSum the largest that a sum over a group can be, for inputs of size 1
 * @param pieces as {@link CodeBlocks#pieces}
 * @param groupTable as {@link CodeBlocks#groups}
 * @param runTable as {@link CodeBlocks#runs}
 */
record ClassOnDevice(int index, int bits, int columns, int zero, int blocks, int groups, int runs, boolean whole, long largestSum,
    DeviceMemory.Range pieces, DeviceMemory.Range groupTable, DeviceMemory.Range runTable) {

  /** |zero point| of counts for which a sum fits in 32 bits, where what is stored has so many signed bytes. */
  int mostZero(int digits) {
    long stored = digits == 1 ? 128 : 1L << (8 * digits);
    return Math.clamp((1L << 31) / Math.max(1, largestSum) - stored - 1, -1, 1 << 30);
  }
}
