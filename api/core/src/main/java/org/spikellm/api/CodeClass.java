package org.spikellm.api;

/**
 * The columns of one channel class of a quantized weight. A group is {@code groupSize} consecutive columns of the class (the last
 * may be shorter) that share scale and zero point; {@code w = (code − zero) · scale}.
 *
 * @param columns how many columns, in channel order
 * @param bits bits a code, 1 to 8; codes are 0..2^bits − 1
 * @param groupSize columns a group; {@code columns} or more for one group a row
 * @param codes U8 [rows, ceil(columns · bits / 8)]: the codes of a row as a string of bits, code j at bits j·bits .. j·bits + bits − 1,
 *     the least significant bit of a byte first; what is over in the last byte is 0
 * @param scales F32 or F16 [rows, groups]
 * @param zeros I16 [rows, groups]
 */
public record CodeClass(int columns, int bits, int groupSize, Tensor codes, Tensor scales, Tensor zeros) {

  public CodeClass {
    if (bits < 1 || bits > 8 || groupSize < 1) {
      throw new IllegalArgumentException("codes: expected 1 to 8 bits and a group of 1 or more, found " + bits + " bits, groups of "
          + groupSize);
    }
    expect("codes", codes, DType.U8, codes.rows(), packedBytes(columns, bits));
    expect("scales", scales, scales.dtype() == DType.F16 ? DType.F16 : DType.F32, codes.rows(), groups(columns, groupSize));
    expect("zero points", zeros, DType.I16, codes.rows(), groups(columns, groupSize));
  }

  /** Bytes that hold {@code columns} codes of {@code bits} bits. */
  public static int packedBytes(int columns, int bits) {
    return Math.toIntExact(((long) columns * bits + 7) / 8);
  }

  /** How many groups {@code columns} columns make. */
  public static int groups(int columns, int groupSize) {
    return columns == 0 ? 0 : (columns - 1) / groupSize + 1;
  }

  /** Groups a row. */
  public int groups() {
    return groups(columns, groupSize);
  }

  /** Column after the last one of group {@code group}. */
  public int groupEnd(int group) {
    return (int) Math.min(columns, (group + 1L) * groupSize);
  }

  /** The code at (row, column). */
  public int code(int row, int column) {
    long bit = (long) column * bits;
    int at = (int) (bit >>> 3);
    int low = codes.getInt(row, at);
    int high = at + 1 < codes.columns() ? codes.getInt(row, at + 1) : 0;
    return ((low | high << 8) >>> (bit & 7)) & ((1 << bits) - 1);
  }

  /** Sets the code at (row, column), which must have been 0. */
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
