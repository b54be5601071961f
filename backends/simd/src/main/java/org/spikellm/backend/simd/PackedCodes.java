package org.spikellm.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.CodeClass;

/**
 * The codes of one column class, interleaved so that the lanes of a vector are rows. A block is {@link Lanes#BLOCK} consecutive
 * rows; rows past the last one have zero codes and scales. Every group starts at a new step. A *piece* is some steps, of whole
 * groups or of a part of one; a *band* is {@link #BAND} blocks, the last one as many as there are.
 *
 * <pre>
 *   [bands][classes][pieces][blocks of the band] of  codes  [steps][BLOCK]   32-bit lanes of a {@link CodeLayout}
 *   [blocks][classes][groups] of  scales   [BLOCK]   F32
 *                                 zeros    [BLOCK]   I32
 *                                 rowSums  [BLOCK]   I32: Σ_j (code_j − zero) over the group, modulo 2³²
 * </pre>
 *
 * In this order a token reads the codes of all classes as one stretch of memory without a gap, and the activations of a piece serve
 * all blocks of a band out of the first cache. For one block after another they would come from the second one each time, as the
 * first one, through which the codes stream, has lost them, and the CPU would fetch 14 to 17 in place of 24 GB/s ahead.
 */
final class PackedCodes {

  /** Blocks of a band. */
  static final int BAND = 4;

  /** Steps of a piece at most, of 4-bit codes: what they are multiplied with takes 4 KB. Others have one piece. */
  static final int PIECE_STEPS = 128;

  /** Bytes from step to step. */
  private static final int STEP_BYTES = Lanes.BLOCK * Integer.BYTES;

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
  /** Of all classes of the weight. */
  final MemorySegment memory;

  /** The largest |code − zero| of any code that fits the layout. */
  final int maxDistance;

  private final int[] groupEnds;
  private final int[] stepEnds;
  /** First step of the piece of each step, and the one after its last. */
  private final int[] pieceStarts;
  private final int[] pieceEnds;
  private final Place place;

  /**
   * Where a class is among those of a weight.
   *
   * @param codes bytes of a block's codes before its own
   * @param allCodes bytes of a block's codes
   * @param scales byte of the first block's scales
   * @param allScales bytes of a block's scales
   */
  private record Place(long codes, long allCodes, long scales, long allScales) {}

  private PackedCodes(CodeClass source, MemorySegment memory, Place place) {
    this.memory = memory;
    this.place = place;
    layout = CodeLayout.of(source.bits());
    rows = source.rows();
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
    pieceStarts = new int[steps];
    pieceEnds = new int[steps];
    cut();
    maxDistance = maxDistance(source);
  }

  /** Pieces of as many whole groups as fit; a longer group is cut from its start on. */
  private void cut() {
    int most = layout.bits() == 4 ? PIECE_STEPS : steps;
    int start = 0;
    for (int g = 0; g < groups; g++) {
      if (stepEnds[g] - start > most) {
        start = groupStep(g);
      }
      for (int s = groupStep(g); s < stepEnds[g]; s++) {
        if (s - start == most) {
          start = s;
        }
        pieceStarts[s] = start;
      }
    }
    for (int s = steps - 1; s >= 0; s--) {
      pieceEnds[s] = s == steps - 1 || pieceStarts[s + 1] > pieceStarts[s] ? s + 1 : pieceEnds[s + 1];
    }
  }

  /** Repacks the classes of a weight; nothing of {@code sources} is kept. */
  static PackedCodes[] of(List<CodeClass> sources, WeightMemory free, Workers workers) {
    int blocks = Lanes.ceilDiv(sources.getFirst().rows(), Lanes.BLOCK);
    long allCodes = sources.stream().mapToLong(PackedCodes::codeBytes).sum();
    long allScales = sources.stream().mapToLong(PackedCodes::scaleBytes).sum();
    MemorySegment memory = free.allocate(Math.max(1, blocks * (allCodes + allScales)), 64);
    PackedCodes[] packed = new PackedCodes[sources.size()];
    long codes = 0;
    long scales = blocks * allCodes;
    for (int c = 0; c < packed.length; c++) {
      packed[c] = new PackedCodes(sources.get(c), memory, new Place(codes, allCodes, scales, allScales));
      codes += codeBytes(sources.get(c));
      scales += scaleBytes(sources.get(c));
    }
    try (Arena rows = Arena.ofShared()) {
      List<CodeClass> readable = sources.stream().map(c -> TilePacker.suits(c) ? c : c.inRows(rows)).toList();
      BlockPacker[][] packers = new BlockPacker[workers.threads()][packed.length];
      workers.forEach(blocks, (block, worker) -> {
        for (int c = 0; c < packed.length; c++) {
          if (packers[worker][c] == null) {
            CodeClass source = readable.get(c);
            packers[worker][c] = source.layout() == CodeClass.Layout.ROWS ? new CodePacker(source, packed[c])
                : new TilePacker(source, packed[c]);
          }
          packers[worker][c].pack(block);
        }
      });
    }
    return packed;
  }

  private static long codeBytes(CodeClass source) {
    int perStep = CodeLayout.of(source.bits()).perStep();
    long steps = 0;
    for (int g = 0; g < source.groups(); g++) {
      steps += Lanes.ceilDiv(source.groupEnd(g) - source.groupStart(g), perStep);
    }
    return steps * STEP_BYTES;
  }

  private static long scaleBytes(CodeClass source) {
    return (long) source.groups() * GROUP_BYTES;
  }

  int blocks() {
    return Lanes.ceilDiv(rows, Lanes.BLOCK);
  }

  /** Step after the last one of the piece that {@code step} is in. */
  int pieceEnd(int step) {
    return pieceEnds[step];
  }

  /** Byte of {@link #memory} at which a step of a block begins; the others of its piece follow. */
  long at(int block, int step) {
    int first = block / BAND * BAND;
    int inBand = Math.min(BAND, blocks() - first);
    int start = pieceStarts[step];
    int before = inBand * start + (block - first) * (pieceEnds[step] - start) + step - start;
    return first * place.allCodes + inBand * place.codes + (long) before * STEP_BYTES;
  }

  /** A step of a block, and the others of its piece. */
  MemorySegment from(int block, int step) {
    return memory.asSlice(at(block, step), (long) (pieceEnds[step] - step) * STEP_BYTES);
  }

  /** Byte of {@link #memory} at which the scales of (block, group) begin. */
  long group(int block, int group) {
    return place.scales + block * place.allScales + (long) group * GROUP_BYTES;
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

  /** The group that a step is in. */
  int groupOf(int step) {
    int group = Arrays.binarySearch(stepEnds, step + 1);
    if (group < 0) {
      return -group - 1;
    }
    while (group > 0 && stepEnds[group - 1] == step + 1) {
      group--;   // groups without columns
    }
    return group;
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
