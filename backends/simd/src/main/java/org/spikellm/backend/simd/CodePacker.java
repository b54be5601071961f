package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * Interleaves the rows of a checkpoint's codes, block by block. In plain Java: it runs once, when a model is loaded, and loops
 * over numbers are compiled long before kernels of vectors are.
 */
final class CodePacker implements BlockPacker {

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(Lanes.ORDER);
  private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, Lanes.ORDER);

  /** Steps that are interleaved at once: what they fill stays in the first cache. */
  private static final int STEPS = 64;

  private final CodeClass source;
  private final PackedCodes packed;
  private final CodeLayout layout;
  /** Whether a row's steps are its bit string as it is: no group ends inside a step, no bit is left out. */
  private final boolean direct;
  /** Where the bits of a step's codes go, which lie side by side in the checkpoint. */
  private final int fields;
  private final int[][] rows = new int[Lanes.BLOCK][];
  private final int[] interleaved = new int[STEPS * Lanes.BLOCK];
  private final byte[] bytes;

  CodePacker(CodeClass source, PackedCodes packed) {
    this.source = source;
    this.packed = packed;
    layout = packed.layout;
    direct = source.bits() == layout.bits() && layout.bits() != 3 && groupsEndWithSteps();
    fields = layout.fields(source.bits());
    for (int lane = 0; lane < rows.length; lane++) {
      rows[lane] = new int[packed.steps];
    }
    bytes = new byte[source.codes().columns() + Long.BYTES];
  }

  private boolean groupsEndWithSteps() {
    for (int g = 0; g < packed.groups - 1; g++) {
      if (packed.groupEnd(g) % layout.perStep() != 0) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void pack(int block) {
    int first = block * Lanes.BLOCK;
    int count = Math.min(Lanes.BLOCK, packed.rows - first);
    for (int lane = 0; lane < Lanes.BLOCK; lane++) {
      if (lane >= count) {
        Arrays.fill(rows[lane], 0);
      } else if (direct) {
        readDirect(first + lane, rows[lane]);
      } else {
        read(first + lane, rows[lane]);
      }
    }
    for (int from = 0, steps; from < packed.steps; from += steps) {
      steps = Math.min(STEPS, packed.pieceEnd(from) - from);
      for (int i = 0; i < Lanes.COUNT; i++) {
        if (layout.twoRows()) {
          twoRows(rows[i], rows[i + Lanes.COUNT], from, steps, interleaved, i);
        } else {
          oneRow(rows[i], from, steps, interleaved, i);
          oneRow(rows[i + Lanes.COUNT], from, steps, interleaved, i + Lanes.COUNT);
        }
      }
      MemorySegment.copy(interleaved, 0, packed.memory, Tensor.INT, packed.at(block, from), steps * Lanes.BLOCK);
    }
    for (int lane = 0; lane < count; lane++) {
      groups(block, lane, first + lane);
    }
  }

  /** Reads a row's bit string as it is. */
  private void readDirect(int row, int[] steps) {
    Tensor codes = source.codes();
    int whole = codes.columns() / Integer.BYTES;
    long from = row * codes.rowBytes();
    MemorySegment.copy(codes.segment(), INT, from, steps, 0, whole);
    int last = 0;
    for (int at = whole * Integer.BYTES; at < codes.columns(); at++) {
      last |= (codes.segment().get(Tensor.BYTE, from + at) & 0xff) << 8 * (at % Integer.BYTES);
    }
    if (whole < steps.length) {
      steps[whole] = last;
    }
  }

  private void read(int row, int[] steps) {
    Tensor codes = source.codes();
    MemorySegment.copy(codes.segment(), Tensor.BYTE, row * codes.rowBytes(), bytes, 0, codes.columns());
    for (int g = 0; g < packed.groups; g++) {
      int column = packed.groupStart(g);
      for (int s = packed.groupStep(g); s < packed.groupStepEnd(g); s++, column += layout.perStep()) {
        int bits = source.bits() * Math.min(layout.perStep(), packed.groupEnd(g) - column);
        long bit = (long) column * source.bits();
        long window = (long) LONGS.get(bytes, (int) (bit >>> 3)) >>> (bit & 7);
        steps[s] = Integer.expand((int) (window & (1L << bits) - 1), fields);
      }
    }
  }

  private static void oneRow(int[] row, int from, int steps, int[] target, int at) {
    for (int s = 0; s < steps; s++) {
      target[s * Lanes.BLOCK + at] = row[from + s];
    }
  }

  /** The bytes of two rows in turn, of the first half of each step and of the second. */
  private static void twoRows(int[] even, int[] odd, int from, int steps, int[] target, int at) {
    for (int s = 0; s < steps; s++) {
      int a = even[from + s];
      int b = odd[from + s];
      target[s * Lanes.BLOCK + at] = a & 0xff | (b & 0xff) << 8 | (a & 0xff00) << 8 | (b & 0xff00) << 16;
      target[s * Lanes.BLOCK + Lanes.COUNT + at] = a >>> 16 & 0xff | b >>> 8 & 0xff00 | a >>> 8 & 0xff0000 | b & 0xff000000;
    }
  }

  private void groups(int block, int lane, int row) {
    MemorySegment memory = packed.memory;
    for (int g = 0; g < packed.groups; g++) {
      int zero = source.zero(row, g);
      int width = packed.groupEnd(g) - packed.groupStart(g);
      int sum = layout.sum(rows[lane], packed.groupStep(g), packed.groupStepEnd(g));
      long at = packed.group(block, g) + (long) lane * Integer.BYTES;
      memory.set(Tensor.FLOAT, at, source.scales().getFloat(row, g));
      memory.set(Tensor.INT, at + PackedCodes.ZEROS, zero);
      memory.set(Tensor.INT, at + PackedCodes.ROW_SUMS, sum - width * zero);
    }
  }
}
