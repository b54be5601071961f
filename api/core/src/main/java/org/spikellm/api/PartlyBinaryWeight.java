package org.spikellm.api;

/**
 * A weight most of whose elements are one of two levels of their row, and the rest 8-bit codes: PB-LLM (arXiv 2310.00034, method.md §5).
 * Which elements are codes follows no pattern, so that a mask is stored. It is kept for comparison: it is computed with as dense
 * values.
 *
 * @param columns input channels, in their own order
 * @param mask U8 [rows, ceil(columns / 8)], bit j % 8 of byte j / 8: whether element j is a code
 * @param signs U8 of the same shape: which level element j is, 1 the higher; 0 where it is a code
 * @param levels F32 [rows, 2], lower and higher
 * @param scales F32 [rows, 1] of the codes: {@code w = (code − zero) · scale}
 * @param zeros I16 [rows, 1]
 * @param codes U8 [1, codes of all rows], row after row
 */
public record PartlyBinaryWeight(int columns, Tensor mask, Tensor signs, Tensor levels, Tensor scales, Tensor zeros, Tensor codes)
    implements LinearWeight {

  public PartlyBinaryWeight {
    int rows = mask.rows();
    int bytes = CodeClass.packedBytes(columns, 1);
    expect("mask", mask, DType.U8, rows, bytes);
    expect("signs", signs, DType.U8, rows, bytes);
    expect("levels", levels, DType.F32, rows, 2);
    expect("scales", scales, DType.F32, rows, 1);
    expect("zero points", zeros, DType.I16, rows, 1);
    long masked = 0;
    for (int r = 0; r < rows; r++) {
      for (int b = 0; b < bytes; b++) {
        masked += Integer.bitCount(mask.getInt(r, b));
      }
    }
    expect("codes", codes, DType.U8, 1, Math.toIntExact(masked));
  }

  private static void expect(String what, Tensor found, DType dtype, int rows, int columns) {
    if (found.dtype() != dtype || found.rows() != rows || found.columns() != columns) {
      throw new IllegalArgumentException("partly binary weight, " + what + ": expected " + dtype + " [" + rows + ", " + columns
          + "], found " + found);
    }
  }

  @Override
  public int rows() {
    return mask.rows();
  }

  /** The weights, F32 [rows, columns]. */
  public Tensor dequantize() {
    Tensor values = Tensor.allocate(DType.F32, rows(), columns);
    int next = 0;
    for (int r = 0; r < rows(); r++) {
      for (int j = 0; j < columns; j++) {
        float value = bit(mask, r, j) ? (codes.getInt(0, next++) - zeros.getInt(r, 0)) * scales.getFloat(r, 0)
            : levels.getFloat(r, bit(signs, r, j) ? 1 : 0);
        values.setFloat(r, j, value);
      }
    }
    return values;
  }

  private static boolean bit(Tensor bits, int row, int column) {
    return (bits.getInt(row, column / 8) >> column % 8 & 1) != 0;
  }
}
