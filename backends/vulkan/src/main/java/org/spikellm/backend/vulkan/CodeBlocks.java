package org.spikellm.backend.vulkan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * The codes of one class of columns as the shaders read them (codes.glsl): tiles of 32 rows, in each of them blocks of 32
 * columns, of those the words of all rows beside each other. A group of columns is cut into pieces that lie within a block.
 */
final class CodeBlocks {

  static final int ROWS = 32;
  /** Columns of a run at most. */
  private static final int RUN = 256;

  private final CodeClass codes;
  private final int rows;
  private final int blocks;
  private final List<int[]> pieces = new ArrayList<>();
  private final List<int[]> groups = new ArrayList<>();
  private final List<int[]> runs = new ArrayList<>();
  /** Sums of the codes of rows in tiles that were filled. */
  private final int[] sums;

  CodeBlocks(CodeClass codes) {
    this.codes = codes;
    rows = codes.codes().rows();
    blocks = (codes.columns() + Places.BLOCK - 1) / Places.BLOCK;
    sums = new int[rows];
    for (int g = 0; g < codes.groups(); g++) {
      int before = pieces.size();
      for (int from = codes.groupStart(g); from < codes.groupEnd(g);) {
        int block = from / Places.BLOCK;
        int to = Math.min(codes.groupEnd(g), (block + 1) * Places.BLOCK);
        pieces.add(new int[] {block, columns(from - block * Places.BLOCK, to - block * Places.BLOCK)});
        from = to;
      }
      groups.add(new int[] {pieces.size() - before, codes.groupEnd(g) - codes.groupStart(g)});
      for (int from = codes.groupStart(g); from < codes.groupEnd(g);) {
        int to = Math.min(codes.groupEnd(g), (from / RUN + 1) * RUN);
        runs.add(new int[] {from, to, g, to < codes.groupEnd(g) ? 0 : from > codes.groupStart(g) ? 1 : 2});
        from = to;
      }
    }
    runs.add(runs.getLast());
  }

  /** A bit for each of the columns {@code from} to {@code to − 1} of a block. */
  private static int columns(int from, int to) {
    return (int) ((1L << to) - (1L << from));
  }

  int blocks() {
    return blocks;
  }

  /** I32 [pieces, 2]: block, columns. */
  List<int[]> pieces() {
    return pieces;
  }

  /** I32 [groups, 2]: number of pieces, of columns. */
  List<int[]> groups() {
    return groups;
  }

  /**
   * I32 [runs + 1, 4], the last twice, as {@link DeviceWeight} has its classes: first column, the one after the last, group, 1 where
   * that ends, 2 where it also begins.
   */
  List<int[]> runs() {
    return runs;
  }

  /** Whether all pieces are whole blocks. */
  boolean isWhole() {
    return pieces.stream().allMatch(piece -> piece[1] == -1);
  }

  /** The largest that a sum over a group can be, for inputs of size 1. */
  long largestSum() {
    long code = 0;
    for (int r = 0; r < (codes.timeSteps() > 0 ? 1 : rows); r++) {
      for (int g = 0; g < codes.groups(); g++) {
        int zero = codes.zero(r, g);
        code = Math.max(code, Math.max(Math.abs(zero), Math.abs((1 << codes.bits()) - 1 - zero)));
      }
    }
    return code * groups.stream().mapToInt(group -> group[1]).max().orElse(0);
  }

  /** Bytes of a tile. */
  long tileBytes() {
    return 4L * blocks * codes.bits() * ROWS;
  }

  /** Writes the words of a tile; those of rows past the last are zero. Tiles may be filled by several threads at once. */
  void fill(int tile, MemorySegment place) {
    place.fill((byte) 0);
    int bits = codes.bits();
    int[] words = new int[9];
    for (int r = 0; r < Math.min(ROWS, rows - tile * ROWS); r++) {
      BitString row = new BitString(codes.codes(), tile * ROWS + r);
      int sum = 0;
      for (int block = 0; block < blocks; block++) {
        int count = Math.min(Places.BLOCK, codes.columns() - block * Places.BLOCK);
        Arrays.fill(words, 0);
        for (int j = 0; j < count; j++) {
          int level = row.next(bits);
          sum += level;
          int code = level << (j / 4 * bits) % 8;
          int word = j / 4 * bits / 8;
          int lane = j % 4 * 8;
          words[word] |= (code & 0xff) << lane;
          words[word + 1] |= (code >>> 8) << lane;
        }
        for (int k = 0; k < bits; k++) {
          place.set(Tensor.INT, 4L * ((block * bits + k) * ROWS + r), words[k]);
        }
      }
      // Codes of 8 bits are signed bytes to the shaders, less 128.
      sums[tile * ROWS + r] = sum - (bits == 8 ? 128 * codes.columns() : 0);
    }
  }

  /** Whether any thread may read the codes. */
  boolean isForAllThreads() {
    return codes.codes().segment().isAccessibleBy(new Thread(() -> { }));
  }

  /** Writes scales of a group for as many rows as {@code place} has room for, in half precision or as F32. */
  void fillScales(int group, int firstRow, boolean halves, MemorySegment place) {
    place.fill((byte) 0);
    int end = (int) Math.min(rows, firstRow + place.byteSize() / (halves ? 2 : 4));
    for (int r = firstRow; r < end; r++) {
      float scale = codes.scales().getFloat(r, group);
      if (halves) {
        place.set(ValueLayout.JAVA_SHORT, 2L * (r - firstRow), Float.floatToFloat16(scale));
      } else {
        place.set(Tensor.FLOAT, 4L * (r - firstRow), scale);
      }
    }
  }

  /** Writes zero points of a group for as many rows as {@code place} has room for. */
  void fillZeros(int group, int firstRow, MemorySegment place) {
    place.fill((byte) 0);
    for (int r = firstRow; r < Math.min(rows, firstRow + place.byteSize() / 4); r++) {
      place.set(Tensor.INT, 4L * (r - firstRow), codes.zero(r, group));
    }
  }

  /** Writes sums of codes, of rows in tiles that were filled. */
  void fillSums(int firstRow, MemorySegment place) {
    place.fill((byte) 0);
    int count = (int) Math.min(rows - firstRow, place.byteSize() / 4);
    MemorySegment.copy(sums, firstRow, place, Tensor.INT, 0, count);
  }

  /** The codes of a row, one after the other. */
  private static final class BitString {
    private final MemorySegment bytes;
    private long at;
    private int held;
    private int bits;

    private BitString(Tensor codes, int row) {
      bytes = codes.rows(row, row + 1).segment();
    }

    private int next(int width) {
      if (bits < width) {
        held |= (bytes.get(Tensor.BYTE, at++) & 0xff) << bits;
        bits += 8;
      }
      int code = held & ((1 << width) - 1);
      held >>>= width;
      bits -= width;
      return code;
    }
  }
}
