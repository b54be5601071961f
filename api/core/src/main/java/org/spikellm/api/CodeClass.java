package org.spikellm.api;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The columns of one channel class of a quantized weight. A group is a range of columns of the class that share scale and zero point;
 * {@code w = (code − zero) · scale}.
 *
 * <p>Codes are levels, or spikes of a train: of {@link #timeSteps} steps which fire −L..L each, {@code code − zero} is the sum, and the zero
 * point {@code T · L} is one for all, so that the weight adds, subtracts or leaves out what it is multiplied with.
 *
 * @param columns how many columns, in channel order
 * @param bits bits a code, 1 to 8; codes are 0..2^bits − 1
 * @param timeSteps steps of the spike trains, or 0 where codes are levels
 * @param groupEnds column after the last one of each group, ascending, the last of them {@code columns}. Not copied or changed
 * @param layout how the codes lie
 * @param codes U8 [rows, ceil(columns · bits / 8)] for {@link Layout#ROWS}: the codes of a row as a string of bits, code j at bits
 *     j·bits .. j·bits + bits − 1, the least significant bit of a byte first; what is over in the last byte is 0. For
 *     {@link Layout#TILES} U8 [ceil(rows / 16), bytes of 16 rows]
 * @param scales F32 or F16 [rows, groups]
 * @param zeros I16 [rows, groups], or [1, 1] for spike trains; codes of spike trains are 0..2·zero
 */
public record CodeClass(int columns, int bits, int timeSteps, int[] groupEnds, Layout layout, Tensor codes, Tensor scales,
    Tensor zeros) {

  /** How codes lie in memory. */
  public enum Layout {
    /** A row after the other. */
    ROWS,
    /**
     * Sixteen rows after the others, and in them a few columns after the others, as kernels want them that multiply many rows at
     * once (docs/checkpoint-format.md): for levels of 2, 3, 4 or 8 bits whose groups end at multiples of four columns. What a
     * {@linkplain Session#readsTiles() session} can run where they are, in a mapped file.
     */
    TILES
  }

  public CodeClass {
    if (bits < 1 || bits > 8 || timeSteps < 0) {
      throw new IllegalArgumentException("codes: expected 1 to 8 bits and 0 or more time steps, found " + bits + " bits, " + timeSteps
          + " time steps");
    }
    int end = 0;
    for (int next : groupEnds) {
      if (next <= end || next > columns) {
        throw new IllegalArgumentException("groups of codes: expected ascending ends up to " + columns + ", found " + next + " after " + end);
      }
      end = next;
    }
    if (end != columns) {
      throw new IllegalArgumentException("groups of codes: expected " + columns + " columns in all, found " + end);
    }
    int rows = layout == Layout.ROWS ? codes.rows() : scales.rows();
    if (layout == Layout.TILES && !CodeTiles.suit(bits, timeSteps, groupEnds)) {
      throw new IllegalArgumentException("codes in tiles: expected levels of 2, 3, 4 or 8 bits in groups that end at multiples of 4 columns,"
          + " found " + bits + " bits, " + timeSteps + " time steps, groups that end at " + Arrays.toString(groupEnds));
    }
    expect("codes", codes, DType.U8, layout == Layout.ROWS ? rows : CodeTiles.count(rows),
        layout == Layout.ROWS ? packedBytes(columns, bits) : CodeTiles.bytes(columns, bits));
    expect("scales", scales, scales.dtype() == DType.F16 ? DType.F16 : DType.F32, rows, groupEnds.length);
    expect("zero points", zeros, DType.I16, timeSteps > 0 ? 1 : rows, timeSteps > 0 ? 1 : groupEnds.length);
    if (timeSteps > 0 && (zeros.getInt(0, 0) < 1 || 2 * zeros.getInt(0, 0) >= 1 << bits)) {
      throw new IllegalArgumentException("spike trains of weights: expected a zero point of 1 to " + ((1 << bits) - 1) / 2 + " in codes of "
          + bits + " bits, found " + zeros.getInt(0, 0));
    }
  }

  /** Codes that lie in rows. */
  public CodeClass(int columns, int bits, int timeSteps, int[] groupEnds, Tensor codes, Tensor scales, Tensor zeros) {
    this(columns, bits, timeSteps, groupEnds, Layout.ROWS, codes, scales, zeros);
  }

  /** Rows of the weight. */
  public int rows() {
    return scales.rows();
  }

  /** The same with codes that lie in rows: this, or a copy of the codes, in memory that the collector gives back. */
  public CodeClass inRows() {
    return inRows(Arena.ofAuto());
  }

  /** The same with codes that lie in rows: this, or a copy of the codes in memory of {@code arena}, which threads must share. */
  public CodeClass inRows(Arena arena) {
    return layout == Layout.ROWS ? this
        : new CodeClass(columns, bits, timeSteps, groupEnds, Layout.ROWS, CodeTiles.toRows(this, arena), scales, zeros);
  }

  /** Whether codes like these can lie in {@link Layout#TILES}. */
  public boolean suitsTiles() {
    return CodeTiles.suit(bits, timeSteps, groupEnds);
  }

  /**
   * The same with codes that lie in tiles: this, or a copy of the codes.
   *
   * @throws IllegalArgumentException unless {@link #suitsTiles()}
   */
  public CodeClass inTiles() {
    return layout == Layout.TILES ? this
        : new CodeClass(columns, bits, timeSteps, groupEnds, Layout.TILES, CodeTiles.toTiles(this), scales, zeros);
  }

  /** Bytes that hold {@code columns} codes of {@code bits} bits. */
  public static int packedBytes(int columns, int bits) {
    return Math.toIntExact(((long) columns * bits + 7) / 8);
  }

  /** The ends of groups of {@code groupSize} columns; the last may be shorter. */
  public static int[] groupEnds(int columns, int groupSize) {
    int groups = columns == 0 ? 0 : (columns - 1) / groupSize + 1;
    return IntStream.range(0, groups).map(g -> (int) Math.min(columns, (g + 1L) * groupSize)).toArray();
  }

  /** Groups a row. */
  public int groups() {
    return groupEnds.length;
  }

  /** First column of group {@code group}. */
  public int groupStart(int group) {
    return group == 0 ? 0 : groupEnds[group - 1];
  }

  /** Column after the last one of group {@code group}. */
  public int groupEnd(int group) {
    return groupEnds[group];
  }

  /** The zero point of a row's group. */
  public int zero(int row, int group) {
    return timeSteps > 0 ? zeros.getInt(0, 0) : zeros.getInt(row, group);
  }

  /** The code at (row, column). */
  public int code(int row, int column) {
    if (layout == Layout.TILES) {
      return CodeTiles.code(codes, bits, row, column);
    }
    long bit = (long) column * bits;
    int at = (int) (bit >>> 3);
    int low = codes.getInt(row, at);
    int high = at + 1 < codes.columns() ? codes.getInt(row, at + 1) : 0;
    return ((low | high << 8) >>> (bit & 7)) & ((1 << bits) - 1);
  }

  /** Sets the code at (row, column), which must have been 0, of codes that lie in rows. */
  public void setCode(int row, int column, int code) {
    long bit = (long) column * bits;
    int at = (int) (bit >>> 3);
    int shifted = code << (bit & 7);
    codes.setInt(row, at, codes.getInt(row, at) | (shifted & 0xff));
    if (shifted > 0xff) {
      codes.setInt(row, at + 1, codes.getInt(row, at + 1) | (shifted >>> 8));
    }
  }

  private static void expect(String what, Tensor found, DType dtype, int rows, int columns) {
    if (found.dtype() != dtype || found.rows() != rows || found.columns() != columns) {
      throw new IllegalArgumentException(what + ": expected " + dtype + " [" + rows + ", " + columns + "], found " + found);
    }
  }
}
