package org.spikellm.model.training;

import java.util.function.Consumer;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Loops over the rows of tensors, and the plain arithmetic of rows. */
final class Rows {

  /** Consecutive rows that one thread takes at a time. */
  static final int CHUNK = 16;

  /** A chunk of rows, {@code from} inclusive to {@code to} exclusive. */
  record Range(int index, int from, int to) {}

  private Rows() {}

  static int chunks(int rows) {
    return (rows + CHUNK - 1) / CHUNK;
  }

  /** Runs {@code body} on every chunk of {@code rows} rows, on the session's threads. */
  static void forEach(Session session, int rows, Consumer<Range> body) {
    session.forEach(chunks(rows), chunk -> body.accept(new Range(chunk, chunk * CHUNK, Math.min(rows, (chunk + 1) * CHUNK))));
  }

  /** The sum of {@code a[from..to)}, in eight interleaved parts that do not wait for each other, as do the next two. */
  static double sum(float[] a, int from, int to) {
    float s0 = 0;
    float s1 = 0;
    float s2 = 0;
    float s3 = 0;
    float s4 = 0;
    float s5 = 0;
    float s6 = 0;
    float s7 = 0;
    int i = from;
    for (; i + 8 <= to; i += 8) {
      s0 += a[i];
      s1 += a[i + 1];
      s2 += a[i + 2];
      s3 += a[i + 3];
      s4 += a[i + 4];
      s5 += a[i + 5];
      s6 += a[i + 6];
      s7 += a[i + 7];
    }
    double sum = ((double) s0 + s4) + ((double) s1 + s5) + ((double) s2 + s6) + ((double) s3 + s7);
    for (; i < to; i++) {
      sum += a[i];
    }
    return sum;
  }

  /** The element-wise sum of the parts of all chunks, in order. */
  static float[] total(float[][] parts) {
    float[] total = parts[0];
    for (int p = 1; p < parts.length; p++) {
      for (int i = 0; i < total.length; i++) {
        total[i] += parts[p][i];
      }
    }
    return total;
  }

  static float min(float[] a, int from, int to) {
    float m0 = Float.POSITIVE_INFINITY;
    float m1 = m0;
    float m2 = m0;
    float m3 = m0;
    int i = from;
    for (; i + 4 <= to; i += 4) {
      m0 = Math.min(m0, a[i]);
      m1 = Math.min(m1, a[i + 1]);
      m2 = Math.min(m2, a[i + 2]);
      m3 = Math.min(m3, a[i + 3]);
    }
    for (; i < to; i++) {
      m0 = Math.min(m0, a[i]);
    }
    return Math.min(Math.min(m0, m1), Math.min(m2, m3));
  }

  static float max(float[] a, int from, int to) {
    float m0 = Float.NEGATIVE_INFINITY;
    float m1 = m0;
    float m2 = m0;
    float m3 = m0;
    int i = from;
    for (; i + 4 <= to; i += 4) {
      m0 = Math.max(m0, a[i]);
      m1 = Math.max(m1, a[i + 1]);
      m2 = Math.max(m2, a[i + 2]);
      m3 = Math.max(m3, a[i + 3]);
    }
    for (; i < to; i++) {
      m0 = Math.max(m0, a[i]);
    }
    return Math.max(Math.max(m0, m1), Math.max(m2, m3));
  }

  /** {@code sum += x}, element by element. */
  static void add(Session session, Tensor x, Tensor sum) {
    forEach(session, x.rows(), rows -> {
      float[] a = new float[x.columns()];
      float[] b = new float[x.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        x.readRow(r, a);
        sum.readRow(r, b);
        for (int i = 0; i < a.length; i++) {
          b[i] += a[i];
        }
        sum.writeRow(r, b);
      }
    });
  }

  /** {@code out = xᵀ}, F32. */
  static void transpose(Session session, Tensor x, Tensor out) {
    int strips = (x.rows() + CHUNK - 1) / CHUNK;
    session.forEach(strips, strip -> {
      int from = strip * CHUNK;
      int count = Math.min(x.rows(), from + CHUNK) - from;
      float[][] rows = new float[count][x.columns()];
      for (int r = 0; r < count; r++) {
        x.readRow(from + r, rows[r]);
      }
      for (int c = 0; c < x.columns(); c++) {
        long at = out.rowBytes() * c + 4L * from;
        for (int r = 0; r < count; r++) {
          out.segment().set(Tensor.FLOAT, at + 4L * r, rows[r][c]);
        }
      }
    });
  }
}
