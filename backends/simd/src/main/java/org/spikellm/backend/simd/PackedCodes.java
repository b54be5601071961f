package org.spikellm.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * The codes of one column class, interleaved so that the lanes of a vector are rows. A block is {@link Lanes#BLOCK} consecutive
 * rows; rows past the last one have zero codes and scales. Every group starts at a new word.
 *
 * <pre>
 *   codes    [blocks][words][BLOCK]    words of a {@link CodeLayout}
 *   scales   [blocks][groups][BLOCK]   F32
 *   zeros    [blocks][groups][BLOCK]   I32
 *   rowSums  [blocks][groups][BLOCK]   I32: Σ_j (code_j − zero) over the group, modulo 2³²
 * </pre>
 */
final class PackedCodes {

  final CodeLayout layout;
  final int rows;
  final int columns;
  final int groups;
  final int groupColumns;
  final int wordsPerGroup;
  final int words;
  final MemorySegment codes;
  final MemorySegment scales;
  final MemorySegment zeros;
  final MemorySegment rowSums;

  /** The largest |code − zero| of any code that fits the layout. */
  final int maxDistance;

  private PackedCodes(CodeClass source, Arena arena) {
    layout = CodeLayout.of(source.bits());
    rows = source.codes().rows();
    columns = source.columns();
    groups = source.groups();
    groupColumns = Math.min(source.groupSize(), Math.max(columns, 1));
    wordsPerGroup = Lanes.ceilDiv(groupColumns, layout.perWord());
    words = groups == 0 ? 0
        : (groups - 1) * wordsPerGroup + Lanes.ceilDiv(columns - (groups - 1) * groupColumns, layout.perWord());
    codes = allocate(arena, (long) blocks() * words);
    scales = allocate(arena, (long) blocks() * groups);
    zeros = allocate(arena, (long) blocks() * groups);
    rowSums = allocate(arena, (long) blocks() * groups);
    maxDistance = maxDistance(source);
  }

  /** Repacks a class; nothing of {@code source} is kept. */
  static PackedCodes of(CodeClass source, Arena arena, Workers workers) {
    PackedCodes packed = new PackedCodes(source, arena);
    if (packed.groups > 0) {
      workers.forEach(packed.blocks(), (block, worker) -> packed.pack(source, block));
    }
    return packed;
  }

  private static MemorySegment allocate(Arena arena, long blockVectors) {
    return arena.allocate(Math.max(1, blockVectors * Lanes.BLOCK * Integer.BYTES), 64);
  }

  int blocks() {
    return Lanes.ceilDiv(rows, Lanes.BLOCK);
  }

  /** Bytes of codes a block has. */
  int blockBytes() {
    return words * Lanes.BLOCK * Integer.BYTES;
  }

  /** The codes of a block. */
  MemorySegment block(int block) {
    return codes.asSlice((long) block * blockBytes(), blockBytes());
  }

  /** Byte of (block, group) in scales, zeros and row sums. */
  long group(int block, int group) {
    return ((long) block * groups + group) * Lanes.BLOCK * Integer.BYTES;
  }

  /** Word after the last one of a group. */
  int groupEnd(int group) {
    return group == groups - 1 ? words : (group + 1) * wordsPerGroup;
  }

  private int maxDistance(CodeClass source) {
    int largest = 0;
    for (int r = 0; r < rows; r++) {
      for (int g = 0; g < groups; g++) {
        int zero = source.zeros().getInt(r, g);
        largest = Math.max(largest, Math.max(Math.abs(zero), Math.abs(layout.maxCode() - zero)));
      }
    }
    return largest;
  }

  private void pack(CodeClass source, int block) {
    int first = block * Lanes.BLOCK;
    int count = Math.min(Lanes.BLOCK, rows - first);
    int[] interleaved = new int[words * Lanes.BLOCK];
    RowWords reader = new RowWords(source, this);
    for (int lane = 0; lane < count; lane++) {
      reader.read(first + lane);
      interleave(reader.words, words, interleaved, lane);
    }
    MemorySegment target = block(block);
    MemorySegment.copy(interleaved, 0, target, Tensor.INT, 0, interleaved.length);
    int[] sums = codeSums(target);
    for (int lane = 0; lane < count; lane++) {
      for (int g = 0; g < groups; g++) {
        int zero = source.zeros().getInt(first + lane, g);
        int width = source.groupEnd(g) - g * groupColumns;
        long at = group(block, g) + (long) lane * Integer.BYTES;
        scales.set(Tensor.FLOAT, at, source.scales().getFloat(first + lane, g));
        zeros.set(Tensor.INT, at, zero);
        rowSums.set(Tensor.INT, at, sums[g * Lanes.BLOCK + lane] - width * zero);
      }
    }
  }

  private static void interleave(int[] row, int count, int[] target, int lane) {
    for (int w = 0; w < count; w++) {
      target[w * Lanes.BLOCK + lane] = row[w];
    }
  }

  /** Σ code over each group of a block, [groups][BLOCK]: the product with activations that are all 1. */
  private int[] codeSums(MemorySegment block) {
    int[] ones = new int[words * layout.perHalf()];
    Arrays.fill(ones, 0x00010001);
    int[] sums = new int[groups * Lanes.BLOCK];
    CodeDots.dots(this, block, ones, 0, 1, sums, new Scratch());
    return sums;
  }

  /** Reads a row of a checkpoint's bit string as words of a layout. */
  private static final class RowWords {

    final int[] words;
    private final CodeClass source;
    private final PackedCodes packed;
    private final CodeLayout layout;
    private final boolean direct;
    private final byte[] bytes;

    RowWords(CodeClass source, PackedCodes packed) {
      this.source = source;
      this.packed = packed;
      layout = packed.layout;
      // The bit string's own words serve where no group ends inside one and no bit is left out.
      direct = source.bits() == layout.bits() && layout.bits() != 3
          && (source.groups() == 1 || source.groupSize() % layout.perWord() == 0);
      words = new int[packed.words];
      bytes = new byte[source.codes().columns() + Integer.BYTES];
    }

    void read(int row) {
      Tensor codes = source.codes();
      long at = row * codes.rowBytes();
      if (direct) {
        int whole = codes.columns() / Integer.BYTES;
        MemorySegment.copy(codes.segment(), Tensor.INT, at, words, 0, whole);
        for (int i = whole * Integer.BYTES, shift = 0; i < codes.columns(); i++, shift += 8) {
          words[whole] = (shift == 0 ? 0 : words[whole]) | codes.getInt(row, i) << shift;
        }
        return;
      }
      MemorySegment.copy(codes.segment(), Tensor.BYTE, at, bytes, 0, codes.columns());
      for (int g = 0; g < packed.groups; g++) {
        for (int w = g * packed.wordsPerGroup; w < packed.groupEnd(g); w++) {
          words[w] = word(g, w);
        }
      }
    }

    private int word(int group, int word) {
      int first = group * packed.groupColumns + (word - group * packed.wordsPerGroup) * layout.perWord();
      int last = Math.min(first + layout.perWord(), source.groupEnd(group));
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
