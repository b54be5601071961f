package org.spikellm.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.IntConsumer;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * U of method.md §5: the upper Cholesky factor of the inverse of a damped Hessian, {@code H⁻¹ = UᵀU}. H⁻¹ itself is not made: with
 * {@code H = R Rᵀ}, R upper triangular, U is R⁻¹. R is the lower factor L of H with rows and columns in reverse, so that one blocked
 * Cholesky and one blocked inversion do, nearly all of them products on the session; what is left, the blocks on the diagonal, is done
 * in double.
 *
 * <p>It works in place. Of the one matrix M, reversed, the triangle below the diagonal holds H and then L, the one above H (which a second
 * try with more damping needs) and then {@code (L⁻¹)ᵀ}, with the diagonal: {@code U[i, j] = M[n − 1 − j, n − 1 − i]}.
 */
public final class HessianFactor {

  private static final int BLOCK = 256;
  /** Rows that are copied out for a product, at most. */
  private static final int ROWS = 1024;
  /** Rows whose elements above the diagonal are read together, since they stand side by side. */
  private static final int STRIP = 32;
  private static final int TRIES = 3;
  private static final double MORE_DAMPING = 10;

  private final Session session;
  private final Tensor matrix;
  private final int n;
  /** 1 / L of the blocks on the diagonal, F32 [BLOCK, BLOCK], lower triangular. */
  private final Tensor[] inverses;
  private final boolean[] dead;
  private final double[] diagonal;

  private HessianFactor(Tensor matrix, Session session) {
    this.session = session;
    this.matrix = matrix;
    this.n = matrix.rows();
    inverses = new Tensor[(n + BLOCK - 1) / BLOCK];
    dead = new boolean[n];
    diagonal = new double[n];
  }

  /**
   * Factors a Hessian. A channel that was always 0 counts as dead: its diagonal becomes 1.
   *
   * @param hessian F32 [n, n], symmetric; its memory becomes the factor's
   * @param damping what is added to the diagonal, as a fraction of its mean; ten times as much where H is not positive definite, twice
   * @param damped is told of a second and third try
   * @throws IllegalArgumentException if it is not positive definite even then, or not finite
   */
  public static HessianFactor of(Tensor hessian, double damping, Session session, IntConsumer damped) {
    HessianFactor factor = new HessianFactor(hessian, session);
    factor.reverse();
    double mean = factor.keepDiagonal();
    double share = damping;
    for (int attempt = 1; !factor.cholesky(share * mean); attempt++) {
      if (attempt == TRIES) {
        throw new IllegalArgumentException("the Hessian is not positive definite, damped by " + share
            + " of its mean diagonal; use more calibration samples, or more damping");
      }
      share *= MORE_DAMPING;
      damped.accept(attempt + 1);
    }
    return factor;
  }

  /** Number of channels. */
  public int size() {
    return n;
  }

  /** Whether channel j was always 0. */
  public boolean isDead(int j) {
    return dead[n - 1 - j];
  }

  /** U_jj. */
  public double diagonal(int j) {
    return 1 / diagonal[n - 1 - j];
  }

  /** Row after row of a square matrix, all of them turned around: element (i, j) becomes (n − 1 − i, n − 1 − j). */
  private void reverse() {
    session.forEach((n + 1) / 2, r -> {
      float[] top = new float[n];
      float[] bottom = new float[n];
      matrix.readRow(r, top);
      matrix.readRow(n - 1 - r, bottom);
      turn(top);
      turn(bottom);
      matrix.writeRow(n - 1 - r, top);
      matrix.writeRow(r, bottom);
    });
  }

  private static void turn(float[] row) {
    for (int i = 0, j = row.length - 1; i < j; i++, j--) {
      float held = row[i];
      row[i] = row[j];
      row[j] = held;
    }
  }

  private double keepDiagonal() {
    double sum = 0;
    for (int j = 0; j < n; j++) {
      float value = matrix.getFloat(j, j);
      dead[j] = value == 0;
      diagonal[j] = dead[j] ? 1 : value;
      sum += diagonal[j];
    }
    return sum / n;
  }

  /** The rows {@code from..to − 1} of a range of columns, those before the diagonal as 0 if {@code upper}. */
  private Tensor copy(Arena arena, int from, int to, int firstColumn, int lastColumn, boolean upper) {
    int columns = lastColumn - firstColumn;
    Tensor part = Tensor.allocate(arena, DType.F32, to - from, columns);
    session.forEach(to - from, i -> {
      int skip = upper ? Math.max(0, from + i - firstColumn) : 0;
      MemorySegment.copy(matrix.segment(), (from + i) * matrix.rowBytes() + 4L * (firstColumn + skip), part.segment(),
          i * part.rowBytes() + 4L * skip, 4L * (columns - skip));
    });
    return part;
  }

  private Tensor product(Arena arena, Tensor a, Tensor b) {
    Tensor out = Tensor.allocate(arena, DType.F32, a.rows(), b.rows());
    session.matmul(a, b, out);
    return out;
  }

  /** L below the diagonal, from H above it and {@link #diagonal} plus {@code damping}; false where a pivot is not positive. */
  private boolean cholesky(double damping) {
    double[] pivots = new double[n];
    for (int from = 0; from < n; from += BLOCK) {
      if (!columns(from, Math.min(n, from + BLOCK), damping, pivots)) {
        return false;
      }
    }
    System.arraycopy(pivots, 0, diagonal, 0, n);
    return true;
  }

  /** L's columns {@code from..to − 1}: what is left of H after those before it, the block on the diagonal first. */
  private boolean columns(int from, int to, double damping, double[] pivots) {
    int width = to - from;
    try (Arena arena = Arena.ofShared()) {
      Tensor left = from == 0 ? null : copy(arena, from, to, 0, from, false);
      Tensor corner = rest(arena, from, to, from, to, left);
      double[][] block = new double[width][width];
      for (int i = 0; i < width; i++) {
        for (int j = 0; j <= i; j++) {
          block[i][j] = corner.getFloat(i, j);
        }
        block[i][i] += diagonal[from + i] + damping - hessian(from + i, from + i);
      }
      if (!cholesky(block)) {
        return false;
      }
      for (int i = 0; i < width; i++) {
        pivots[from + i] = block[i][i];
      }
      Tensor inverse = inverse(block);
      inverses[from / BLOCK] = inverse;
      for (int r = to; r < n; r += ROWS) {
        try (Arena rows = Arena.ofShared()) {
          int end = Math.min(n, r + ROWS);
          put(product(rows, rest(rows, r, end, from, to, left), inverse), r, from, 1);
        }
      }
      return true;
    }
  }

  /** H as it was, from above the diagonal. */
  private float hessian(int i, int j) {
    return matrix.getFloat(Math.min(i, j), Math.max(i, j));
  }

  /** H less what the columns before {@code first} make of it: rows {@code from..to − 1}, columns {@code first..last − 1}. */
  private Tensor rest(Arena arena, int from, int to, int first, int last, Tensor left) {
    Tensor rest = left == null ? Tensor.allocate(arena, DType.F32, to - from, last - first)
        : product(arena, copy(arena, from, to, 0, first, false), left);
    session.forEach((to - from + STRIP - 1) / STRIP, strip -> {
      int top = from + strip * STRIP;
      int bottom = Math.min(to, top + STRIP);
      for (int j = first; j < last; j++) {
        for (int i = top; i < bottom; i++) {
          rest.setFloat(i - from, j - first, hessian(i, j) - rest.getFloat(i - from, j - first));
        }
      }
    });
    return rest;
  }

  private void put(Tensor part, int row, int column, float factor) {
    session.forEach(part.rows(), i -> {
      float[] values = new float[part.columns()];
      part.readRow(i, values);
      for (int j = 0; j < values.length; j++) {
        values[j] *= factor;
      }
      MemorySegment.copy(values, 0, matrix.segment(), Tensor.FLOAT, (row + i) * matrix.rowBytes() + (long) Float.BYTES * column,
          values.length);
    });
  }

  /** In place, column after column; the inner loop runs along rows, which compiles to vectors. */
  private static boolean cholesky(double[][] a) {
    double[] column = new double[a.length];
    for (int j = 0; j < a.length; j++) {
      double pivot = a[j][j];
      if (!(pivot > 0) || pivot == Double.POSITIVE_INFINITY) {
        return false;
      }
      a[j][j] = Math.sqrt(pivot);
      for (int i = j + 1; i < a.length; i++) {
        a[i][j] /= a[j][j];
        column[i] = a[i][j];
        subtract(a[i], column[i], column, j + 1, i + 1);
      }
    }
    return true;
  }

  private static void subtract(double[] target, double factor, double[] values, int from, int to) {
    for (int k = from; k < to; k++) {
      target[k] -= factor * values[k];
    }
  }

  private static Tensor inverse(double[][] lower) {
    int size = lower.length;
    double[][] rows = new double[size][size];
    Tensor inverse = Tensor.allocate(DType.F32, size, size);
    float[] rounded = new float[size];
    for (int i = 0; i < size; i++) {
      double[] row = rows[i];
      row[i] = 1;
      for (int k = 0; k < i; k++) {
        subtract(row, lower[i][k], rows[k], 0, k + 1);
      }
      for (int j = 0; j <= i; j++) {
        row[j] /= lower[i][i];
        rounded[j] = (float) row[j];
      }
      inverse.writeRow(i, rounded);
    }
    return inverse;
  }

  /** Makes U itself, of which {@link #diagonal} is known already: {@code (L⁻¹)ᵀ} above the diagonal. H is lost. */
  public HessianFactor invert() {
    for (int from = 0; from < n; from += BLOCK) {
      int to = Math.min(n, from + BLOCK);
      Tensor inverse = inverses[from / BLOCK];
      for (int start = 0; start < from; start += ROWS) {
        try (Arena arena = Arena.ofShared()) {
          int end = Math.min(from, start + ROWS);
          Tensor done = copy(arena, start, end, start, from, true);
          Tensor sum = product(arena, done, copy(arena, from, to, start, from, false));
          put(product(arena, sum, inverse), start, from, -1);
        }
      }
      for (int i = from; i < to; i++) {
        for (int j = from; j <= i; j++) {
          matrix.setFloat(j, i, inverse.getFloat(i - from, j - from));
        }
      }
    }
    return this;
  }

  /** U[from..to − 1, from..to − 1], upper triangular, after {@link #invert}. */
  public float[][] block(int from, int to) {
    float[][] block = new float[to - from][to - from];
    for (int i = from; i < to; i++) {
      for (int j = i; j < to; j++) {
        block[i - from][j - from] = matrix.getFloat(n - 1 - j, n - 1 - i);
      }
    }
    return block;
  }

  /** U[from..to − 1, to..n − 1] transposed, F32 [n − to, to − from], after {@link #invert}. */
  public Tensor after(Arena arena, int from, int to) {
    Tensor rest = Tensor.allocate(arena, DType.F32, n - to, to - from);
    session.forEach(n - to, r -> {
      for (int i = from; i < to; i++) {
        rest.setFloat(r, i - from, matrix.getFloat(n - 1 - to - r, n - 1 - i));
      }
    });
    return rest;
  }
}
