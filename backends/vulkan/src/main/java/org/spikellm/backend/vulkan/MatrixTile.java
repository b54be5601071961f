package org.spikellm.backend.vulkan;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What a workgroup of linear_matrix.comp computes: a tile of rows and tokens, cut into shares, one for each subgroup.
 *
 * @param digits signed bytes of a count
 */
record MatrixTile(Matrices matrices, int rows, int tokens, int digits) {

  /** As many workgroups keep any device busy: one or two for each core of the largest ones. */
  private static final int ENOUGH = 256;
  /** Sums of a thread at most, so that they stay in its registers. */
  private static final int SUMS = 64;
  private static final int LEAST_THREADS = 128;
  /** Pieces of a step, bytes of a vector in shared memory, columns of a block: those of linear_matrix.comp. */
  private static final int PIECES = 2;
  private static final int VECTOR = 16;

  /**
   * Rows and columns of a tile; a token has a column for each of its digits.
   */
  record Size(int rows, int columns) {

    /** From the largest down. */
    static final List<Size> ALL = List.of(new Size(128, 128), new Size(64, 128), new Size(64, 64), new Size(32, 64),
        new Size(32, 32));

    /** The sizes that {@code value} allows: {@code auto} all, {@code off} none, or the one that it names. */
    static List<Size> of(String value) {
      return switch (value) {
        case Choice.AUTO -> ALL;
        case "off" -> List.of();
        default -> List.of(ALL.stream().filter(size -> size.toString().equals(value)).findFirst()
            .orElseThrow(() -> new IllegalArgumentException("matrices=" + value + ": expected auto, off, or the rows and columns "
                + "of a workgroup: " + ALL.stream().map(Size::toString).collect(Collectors.joining(", ")))));
      };
    }

    @Override
    public String toString() {
      return rows + "x" + columns;
    }
  }

  /** The largest tile of which a product has enough workgroups, or else the smallest; null where the device has room for none. */
  static MatrixTile of(Matrices matrices, List<Size> sizes, int rows, int tokens, int digits) {
    MatrixTile last = null;
    for (Size size : sizes) {
      MatrixTile tile = new MatrixTile(matrices, size.rows, size.columns / digits, digits);
      if (tile.fits()) {
        last = tile;
        if ((long) tile.across(rows) * tile.down(tokens) >= ENOUGH) {
          break;
        }
      }
    }
    return last;
  }

  private boolean fits() {
    return tokens % matrices.n() == 0 && threads() <= matrices.mostThreads() && sharedBytes() <= matrices.sharedBytes();
  }

  /** Workgroups for so many rows. */
  int across(int allRows) {
    return (allRows + rows - 1) / rows;
  }

  /** Workgroups for so many tokens. */
  int down(int allTokens) {
    return (allTokens + tokens - 1) / tokens;
  }

  private int rowShares() {
    int half = 32 - Integer.numberOfLeadingZeros(shares() - 1) + 1 >> 1; // of the bits of a power of two, or one more
    return Math.min(1 << half, rows / matrices.m());
  }

  private int tokenShares() {
    int half = 32 - Integer.numberOfLeadingZeros(shares() - 1) >> 1;
    return Math.min(1 << half, tokens / matrices.n());
  }

  /** How many there should be: a power of two. */
  private int shares() {
    return Math.max(LEAST_THREADS, rows * tokens * digits / SUMS) / matrices.subgroup();
  }

  private int threads() {
    return rowShares() * tokenShares() * matrices.subgroup();
  }

  /** Bytes of shared memory. */
  private int sharedBytes() {
    int vectors = PIECES * Places.BLOCK / Math.min(VECTOR, matrices.k()) + 1;
    int columns = tokens * digits;
    return VECTOR * vectors * (rows + columns) + 4 * (rowShares() * tokenShares() * digits * matrices.m() * matrices.n()
        + 3 * rows + 2 * tokens + columns + 1);
  }

  /**
   * The kernel.
   *
   * @param constants of linear_matrix.comp from {@code BITS} to {@code ZEROS}
   */
  Kernel kernel(Kernels kernels, Integer... constants) {
    Integer[] all = Arrays.copyOf(constants, constants.length + 8);
    Integer[] own = {matrices.m(), matrices.n(), matrices.k(), rowShares(), tokenShares(), rows / rowShares() / matrices.m(),
        tokens / tokenShares() / matrices.n(), matrices.subgroup()};
    System.arraycopy(own, 0, all, constants.length, own.length);
    return kernels.get(threads(), Shader.LINEAR_MATRIX, all);
  }
}
