package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

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
      workers.forEach(packed.blocks(), (block, worker) -> packed.pack(source, block));
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
    for (int r = 0; r < rows; r++) {
      for (int g = 0; g < groups; g++) {
        int zero = source.zero(r, g);
        largest = Math.max(largest, Math.max(Math.abs(zero), Math.abs(layout.maxCode() - zero)));
      }
    }
    return largest;
  }

  private void pack(CodeClass source, int block) {
    int first = block * Lanes.BLOCK;
    int count = Math.min(Lanes.BLOCK, rows - first);
    int[] interleaved = new int[steps * Lanes.BLOCK];
    RowSteps reader = new RowSteps(source, this);
    for (int lane = 0; lane < count; lane++) {
      reader.read(first + lane);
      interleave(reader.steps, interleaved, lane);
    }
    MemorySegment target = block(block);
    MemorySegment.copy(interleaved, 0, target, Tensor.INT, 0, interleaved.length);
    int[] sums = codeSums(target);
    for (int lane = 0; lane < count; lane++) {
      for (int g = 0; g < groups; g++) {
        int zero = source.zero(first + lane, g);
        int width = groupEnd(g) - groupStart(g);
        long at = group(block, g) + (long) lane * Integer.BYTES;
        memory.set(Tensor.FLOAT, at, source.scales().getFloat(first + lane, g));
        memory.set(Tensor.INT, at + ZEROS, zero);
        memory.set(Tensor.INT, at + ROW_SUMS, sums[g * Lanes.BLOCK + lane] - width * zero);
      }
    }
  }

  /** Puts a row's steps into its lane of the block, where they were 0. */
  private void interleave(int[] row, int[] target, int lane) {
    if (!layout.twoRows()) {
      for (int s = 0; s < row.length; s++) {
        target[s * Lanes.BLOCK + lane] = row[s];
      }
      return;
    }
    int at = lane % Lanes.COUNT;
    int shift = lane < Lanes.COUNT ? 0 : 8;
    for (int s = 0; s < row.length; s++, at += Lanes.BLOCK) {
      int bits = row[s];
      target[at] |= (bits & 0xff | (bits & 0xff00) << 8) << shift;
      target[at + Lanes.COUNT] |= (bits >>> 16 & 0xff | bits >>> 24 << 16) << shift;
    }
  }

  /** Σ code over each group of a block, [groups][BLOCK]: the product with activations that are all 1. */
  private int[] codeSums(MemorySegment block) {
    int[] ones = new int[steps * layout.pairs()];
    Arrays.fill(ones, 0x00010001);
    int[] sums = new int[groups * Lanes.BLOCK];
    CodeDots.dots(this, block, ones, 0, 1, sums, new Scratch());
    return sums;
  }

  /** Reads a row of a checkpoint's bit string in steps. */
  private static final class RowSteps {

    private static final VarHandle INTS = MethodHandles.byteArrayViewVarHandle(int[].class, Lanes.ORDER);

    final int[] steps;
    private final CodeClass source;
    private final PackedCodes packed;
    private final CodeLayout layout;
    private final boolean direct;
    private final byte[] bytes;

    RowSteps(CodeClass source, PackedCodes packed) {
      this.source = source;
      this.packed = packed;
      layout = packed.layout;
      // The bit string as it is, where no group ends inside a step and no bit is left out.
      direct = source.bits() == layout.bits() && layout.bits() != 3
          && IntStream.range(0, source.groups() - 1).allMatch(g -> source.groupEnd(g) % packed.layout.perStep() == 0);
      steps = new int[packed.steps];
      bytes = new byte[source.codes().columns() + Integer.BYTES];
    }

    void read(int row) {
      Tensor codes = source.codes();
      MemorySegment.copy(codes.segment(), Tensor.BYTE, row * codes.rowBytes(), bytes, 0, codes.columns());
      if (direct) {
        for (int s = 0; s < steps.length; s++) {
          steps[s] = (int) INTS.get(bytes, Integer.BYTES * s);
        }
        return;
      }
      for (int g = 0; g < packed.groups; g++) {
        for (int s = packed.groupStep(g); s < packed.groupStepEnd(g); s++) {
          steps[s] = step(g, s);
        }
      }
    }

    private int step(int group, int step) {
      int first = packed.groupStart(group) + (step - packed.groupStep(group)) * layout.perStep();
      int last = Math.min(first + layout.perStep(), packed.groupEnd(group));
      int bits = 0;
      for (int column = first; column < last; column++) {
        bits |= code(column) << layout.shift(column - first);
      }
      return bits;
    }

    private int code(int column) {
      int bit = column * source.bits();
      int at = bit >>> 3;
      int both = (bytes[at] & 0xff) | (bytes[at + 1] & 0xff) << 8;
      return both >>> (bit & 7) & (1 << source.bits()) - 1;
    }
  }
}
