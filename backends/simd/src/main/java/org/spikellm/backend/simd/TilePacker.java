package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * As {@link CodePacker}, of codes in tiles (docs/checkpoint-format.md): a line of a tile is a step of 16 rows, which lie side by side
 * already. In plain loops over ints, which are compiled to vectors soon after the start.
 */
final class TilePacker implements BlockPacker {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(Lanes.ORDER);

  /** Rows of a tile, and bytes of a line. */
  private static final int ROWS = 16;
  private static final long LINE = ROWS * Integer.BYTES;

  /** Steps that are packed at once: what they fill stays in the first cache, and sums of codes fit 16 bits. */
  private static final int STEPS = 64;

  private static final int LANES = Lanes.COUNT;

  private final CodeClass source;
  private final PackedCodes packed;
  private final int bits;
  /** The first rows of the block, then the others: [steps][LANES]. */
  private final int[][] rows = new int[2][STEPS * LANES];
  private final int[][] halves = new int[2][STEPS * LANES];
  private final int[] interleaved = new int[STEPS * Lanes.BLOCK];
  private final int[] codeSums = new int[STEPS * LANES];
  private final int[] rowSums = new int[Lanes.BLOCK];

  TilePacker(CodeClass source, PackedCodes packed) {
    this.source = source;
    this.packed = packed;
    bits = packed.layout.bits();
  }

  /** Whether a line is a step, and groups end with one. */
  static boolean suits(CodeClass source) {
    CodeLayout layout = CodeLayout.of(source.bits());
    boolean suits = source.layout() == CodeClass.Layout.TILES && source.bits() != 3;
    for (int g = 0; g < source.groups() - 1; g++) {
      suits &= source.groupEnd(g) % layout.perStep() == 0;
    }
    return suits;
  }

  @Override
  public void pack(int block) {
    for (int g = 0; g < packed.groups; g++) {
      Arrays.fill(rowSums, 0);
      for (int from = packed.groupStep(g), steps; from < packed.groupStepEnd(g); from += steps) {
        steps = Math.min(STEPS, Math.min(packed.pieceEnd(from), packed.groupStepEnd(g)) - from);
        for (int half = 0; half < 2; half++) {
          read(block * Lanes.BLOCK + half * LANES, from, steps, rows[half]);
          sum(rows[half], steps, half * LANES);
        }
        interleave(steps);
        MemorySegment.copy(interleaved, 0, packed.memory, Tensor.INT, packed.at(block, from), steps * Lanes.BLOCK);
      }
      factors(block, g);
    }
  }

  /** Some steps of LANES rows: zeros past the last sixteen. */
  private void read(int row, int from, int steps, int[] to) {
    if (row >= packed.rows) {
      Arrays.fill(to, 0, steps * LANES, 0);
      return;
    }
    MemorySegment codes = source.codes().segment();
    long at = row / ROWS * source.codes().rowBytes() + from * LINE + row % ROWS * (long) Integer.BYTES;
    if (LANES == ROWS) {
      MemorySegment.copy(codes, INT, at, to, 0, steps * ROWS);
      return;
    }
    for (int s = 0; s < steps; s++) {
      MemorySegment.copy(codes, INT, at + s * LINE, to, s * LANES, LANES);
    }
  }

  /** Adds Σ code of each row. */
  private void sum(int[] lanes, int steps, int row) {
    switch (bits) {
      case 2 -> sumTwos(lanes, codeSums, steps * LANES);
      case 4 -> sumFours(lanes, codeSums, steps * LANES);
      default -> sumBytes(lanes, codeSums, steps * LANES);
    }
    for (int i = 0; i < LANES; i++) {
      int both = 0;
      for (int s = 0; s < steps; s++) {
        both += codeSums[s * LANES + i];
      }
      rowSums[row + i] += (both & 0xffff) + (both >>> 16);
    }
  }

  private void interleave(int steps) {
    switch (bits) {
      case 2 -> {
        twos(rows[0], steps * LANES);
        twos(rows[1], steps * LANES);
      }
      case 4 -> {
        fours(rows[0], steps * LANES);
        fours(rows[1], steps * LANES);
      }
      default -> { }
    }
    int[][] vectors = rows;
    if (packed.layout.twoRows()) {
      low(rows[0], rows[1], halves[0], steps * LANES);
      high(rows[0], rows[1], halves[1], steps * LANES);
      vectors = halves;
    }
    for (int s = 0; s < steps; s++) {
      System.arraycopy(vectors[0], s * LANES, interleaved, s * Lanes.BLOCK, LANES);
      System.arraycopy(vectors[1], s * LANES, interleaved, s * Lanes.BLOCK + LANES, LANES);
    }
  }

  /** Scales, zeros and row sums of a group. */
  private void factors(int block, int group) {
    int first = block * Lanes.BLOCK;
    int width = packed.groupEnd(group) - packed.groupStart(group);
    for (int lane = 0; lane < Math.min(Lanes.BLOCK, packed.rows - first); lane++) {
      int zero = source.zero(first + lane, group);
      long at = packed.group(block, group) + (long) lane * Integer.BYTES;
      packed.memory.set(Tensor.FLOAT, at, source.scales().getFloat(first + lane, group));
      packed.memory.set(Tensor.INT, at + PackedCodes.ZEROS, zero);
      packed.memory.set(Tensor.INT, at + PackedCodes.ROW_SUMS, rowSums[lane] - width * zero);
    }
  }

  /** The lanes of a line as the rows' strings of bits. */
  private static void fours(int[] lanes, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i];
      int swap = (x ^ x >>> 4) & 0x00f000f0;
      x ^= swap ^ swap << 4;
      swap = (x ^ x >>> 8) & 0x0000ff00;
      lanes[i] = x ^ swap ^ swap << 8;
    }
  }

  private static void twos(int[] lanes, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i];
      int swap = (x ^ x >>> 6) & 0x00cc00cc;
      x ^= swap ^ swap << 6;
      swap = (x ^ x >>> 12) & 0x0000f0f0;
      lanes[i] = x ^ swap ^ swap << 12;
    }
  }

  /** The first two bytes of two rows in turn. */
  private static void low(int[] even, int[] odd, int[] to, int count) {
    for (int i = 0; i < count; i++) {
      int a = even[i];
      int b = odd[i];
      to[i] = a & 0xff | (b & 0xff) << 8 | (a & 0xff00) << 8 | (b & 0xff00) << 16;
    }
  }

  private static void high(int[] even, int[] odd, int[] to, int count) {
    for (int i = 0; i < count; i++) {
      int a = even[i];
      int b = odd[i];
      to[i] = a >>> 16 & 0xff | b >>> 8 & 0xff00 | a >>> 8 & 0xff0000 | b & 0xff000000;
    }
  }

  /** Σ code of a lane, in two halves of 16 bits. */
  private static void sumTwos(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int pairs = (lanes[i] & 0x33333333) + (lanes[i] >>> 2 & 0x33333333);
      int bytes = (pairs & 0x0f0f0f0f) + (pairs >>> 4 & 0x0f0f0f0f);
      sums[i] = (bytes & 0x00ff00ff) + (bytes >>> 8 & 0x00ff00ff);
    }
  }

  private static void sumFours(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int bytes = (lanes[i] & 0x0f0f0f0f) + (lanes[i] >>> 4 & 0x0f0f0f0f);
      sums[i] = (bytes & 0x00ff00ff) + (bytes >>> 8 & 0x00ff00ff);
    }
  }

  private static void sumBytes(int[] lanes, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      sums[i] = (lanes[i] & 0x00ff00ff) + (lanes[i] >>> 8 & 0x00ff00ff);
    }
  }
}
