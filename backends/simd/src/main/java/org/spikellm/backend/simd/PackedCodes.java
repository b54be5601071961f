package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import org.spikellm.api.CodeClass;

/**
 * The codes of one column class, interleaved so that the lanes of a vector are rows. A block is {@link Lanes#BLOCK} consecutive
 * rows; rows past the last one have zero codes and scales. Every group starts at a new step.
 *
 * <pre>
 *   [blocks] of  codes      [steps][BLOCK]   32-bit lanes of a {@link CodeLayout}
 *                [groups] of scales   [BLOCK]   F32
 *                            zeros    [BLOCK]   I32
 *                            rowSums  [BLOCK]   I32: Σ_j (code_j − zero) over the group, modulo 2³²
 * </pre>
 *
 * All that a token reads of a block is one stretch of memory, which the CPU fetches ahead.
 */
final class PackedCodes {

  /** Bytes from a group's scales to its zeros. */
  static final int ZEROS = Lanes.BLOCK * Float.BYTES;

  /** Bytes from a group's scales to its row sums. */
  static final int ROW_SUMS = 2 * ZEROS;

  /** Bytes from group to group. */
  static final int GROUP_BYTES = 3 * ZEROS;

  final CodeLayout layout;
  final int rows;
  final int columns;
  final int groups;
  final int steps;
  /** Steps of every group but the last, or 0 where groups differ. */
  final int stepsPerGroup;
  /** The most columns of a group. */
  final int maxGroupColumns;
  final MemorySegment memory;

  /** The largest |code − zero| of any code that fits the layout. */
  final int maxDistance;

  private final int[] groupEnds;
  private final int[] stepEnds;

  private PackedCodes(CodeClass source, WeightMemory free) {
    layout = CodeLayout.of(source.bits());
    rows = source.codes().rows();
    columns = source.columns();
    groups = source.groups();
    groupEnds = source.groupEnds();
    stepEnds = new int[groups];
    int widest = 0;
    for (int g = 0; g < groups; g++) {
      int width = groupEnds[g] - groupStart(g);
      stepEnds[g] = groupStep(g) + Lanes.ceilDiv(width, layout.perStep());
      widest = Math.max(widest, width);
    }
    maxGroupColumns = widest;
    steps = groups == 0 ? 0 : stepEnds[groups - 1];
    stepsPerGroup = stepsPerGroup(stepEnds);
    memory = free.allocate(Math.max(1, blocks() * blockBytes()), 64);
    maxDistance = maxDistance(source);
  }

  /** Repacks a class; nothing of {@code source} is kept. */
  static PackedCodes of(CodeClass source, WeightMemory free, Workers workers) {
    PackedCodes packed = new PackedCodes(source, free);
    if (packed.groups > 0) {
      CodePacker[] packers = new CodePacker[workers.threads()];
      workers.forEach(packed.blocks(), (block, worker) -> {
        if (packers[worker] == null) {
          packers[worker] = new CodePacker(source, packed);
        }
        packers[worker].pack(block);
      });
    }
    return packed;
  }

  int blocks() {
    return Lanes.ceilDiv(rows, Lanes.BLOCK);
  }

  /** Bytes from block to block. */
  long blockBytes() {
    return codeBytes() + (long) groups * GROUP_BYTES;
  }

  private long codeBytes() {
    return (long) steps * Lanes.BLOCK * Integer.BYTES;
  }

  /** The codes of a block. */
  MemorySegment block(int block) {
    return memory.asSlice(block * blockBytes(), codeBytes());
  }

  /** Byte of {@link #memory} at which the scales of (block, group) begin. */
  long group(int block, int group) {
    return block * blockBytes() + codeBytes() + (long) group * GROUP_BYTES;
  }

  private static int stepsPerGroup(int[] ends) {
    for (int g = 1; g < ends.length; g++) {
      int steps = ends[g] - ends[g - 1];
      if (g < ends.length - 1 ? steps != ends[0] : steps > ends[0]) {
        return 0;
      }
    }
    return ends.length == 0 ? 0 : ends[0];
  }

  /** First column of a group. */
  int groupStart(int group) {
    return group == 0 ? 0 : groupEnds[group - 1];
  }

  /** Column after the last one of a group. */
  int groupEnd(int group) {
    return groupEnds[group];
  }

  /** First step of a group. */
  int groupStep(int group) {
    return group == 0 ? 0 : stepEnds[group - 1];
  }

  /** Step after the last one of a group. */
  int groupStepEnd(int group) {
    return stepEnds[group];
  }

  private int maxDistance(CodeClass source) {
    int largest = 0;
    for (int r = 0; r < source.zeros().rows(); r++) {
      for (int g = 0; g < source.zeros().columns(); g++) {
        int zero = source.zero(r, g);
        largest = Math.max(largest, Math.max(Math.abs(zero), Math.abs(layout.maxCode() - zero)));
      }
    }
    return largest;
  }

}
