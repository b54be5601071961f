package org.spikellm.backend.vulkan;

import java.lang.foreign.MemorySegment;
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
  /** Of scale and zero point of a row. */
  static final long SCALE_BYTES = 8;

  private final CodeClass codes;
  private final int rows;
  private final int blocks;
  private final List<int[]> pieces = new ArrayList<>();
  private final List<int[]> groups = new ArrayList<>();

  CodeBlocks(CodeClass codes) {
    this.codes = codes;
    rows = codes.codes().rows();
    blocks = (codes.columns() + Places.BLOCK - 1) / Places.BLOCK;
    for (int g = 0; g < codes.groups(); g++) {
      int before = pieces.size();
      for (int from = codes.groupStart(g); from < codes.groupEnd(g);) {
        int block = from / Places.BLOCK;
        int to = Math.min(codes.groupEnd(g), (block + 1) * Places.BLOCK);
        pieces.add(new int[] {block, columns(from - block * Places.BLOCK, to - block * Places.BLOCK)});
        from = to;
      }
      groups.add(new int[] {pieces.size() - before, codes.groupEnd(g) - codes.groupStart(g)});
    }
  }

  /** A bit for each of the columns {@code from} to {@code to − 1} of a block. */
  private static int columns(int from, int to) {
    return (int) ((1L << to) - (1L << from));
  }

  int tiles() {
    return (rows + ROWS - 1) / ROWS;
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

  /** Writes the words of a tile; those of rows past the last are zero. */
  void fill(int tile, MemorySegment place) {
    place.fill((byte) 0);
    int bits = codes.bits();
    int[] words = new int[9];
    for (int r = 0; r < Math.min(ROWS, rows - tile * ROWS); r++) {
      BitString row = new BitString(codes.codes(), tile * ROWS + r);
      for (int block = 0; block < blocks; block++) {
        int count = Math.min(Places.BLOCK, codes.columns() - block * Places.BLOCK);
        Arrays.fill(words, 0);
        for (int j = 0; j < count; j++) {
          int code = row.next(bits) << (j / 4 * bits) % 8;
          int word = j / 4 * bits / 8;
          int lane = j % 4 * 8;
          words[word] |= (code & 0xff) << lane;
          words[word + 1] |= (code >>> 8) << lane;
        }
        for (int k = 0; k < bits; k++) {
          place.set(Tensor.INT, 4L * ((block * bits + k) * ROWS + r), words[k]);
        }
      }
    }
  }

  /** Writes scale and zero point of a group for as many rows as {@code place} has room for. */
  void fillScales(int group, int firstRow, MemorySegment place) {
    place.fill((byte) 0);
    for (int r = firstRow; r < Math.min(rows, firstRow + place.byteSize() / SCALE_BYTES); r++) {
      long at = SCALE_BYTES * (r - firstRow);
      place.set(Tensor.FLOAT, at, codes.scales().getFloat(r, group));
      place.set(Tensor.INT, at + 4, codes.zero(r, group));
    }
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
