package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules B.40 to B.44. */
final class ElementwiseRules {

  /** Below this a float may be flushed to zero. */
  private static final double TINY = Float.MIN_NORMAL;

  private ElementwiseRules() {}

  private static Tensor normal(Draw draw, int rows, int columns, double sigma) {
    return draw.normal(Placement.ALIGNED.tensor(DType.F32, rows, columns), sigma);
  }

  /**
   * A sum of n squares in float, in any order, is within (n + 1)·u of its value; mean, ε, root and reciprocal round once each
   * and the root halves what came before; then two products. (n + 10)·u covers it.
   */
  static void rmsNorm(Session session) {
    for (int columns : Draw.RAGGED) {
      for (double sigma : new double[] {1e-4, 1, 1e4}) {
        Draw draw = new Draw("rmsNorm of " + columns + " channels, sigma " + sigma);
        float epsilon = 1e-5f;
        Tensor x = normal(draw, 3, columns, sigma);
        Tensor weight = normal(draw, 1, columns, 1);
        Tensor out = normal(draw, 3, columns, 1);
        session.rmsNorm(x, weight, epsilon, out);
        for (int t = 0; t < 3; t++) {
          double squares = 0;
          for (int c = 0; c < columns; c++) {
            squares += (double) x.getFloat(t, c) * x.getFloat(t, c);
          }
          for (int c = 0; c < columns; c++) {
            double expected = x.getFloat(t, c) / Math.sqrt(squares / columns + epsilon) * weight.getFloat(0, c);
            Near.check(expected, out.getFloat(t, c), (columns + 10) * Near.U * Math.abs(expected) + TINY, draw::toString, t, c);
          }
        }
      }
    }
  }

  /** Two products and their sum, each rounded once at most: 3·u of the sum of their sizes. */
  static void rope(Session session) {
    for (int half : new int[] {1, 2, 3, 4, 8, 15, 16, 32, 64}) {
      for (int heads : new int[] {1, 3}) {
        Draw draw = new Draw("rope of " + heads + " heads of " + 2 * half);
        int position = draw.between(0, 5);
        Tensor x = normal(draw, 7, heads * 2 * half, 1);
        Tensor before = x.toF32();
        Tensor table = normal(draw, 12, 2 * half, 1);
        session.rope(x, 2 * half, table, position);
        for (int t = 0; t < 7; t++) {
          for (int c = 0; c < x.columns(); c++) {
            int i = c % half;
            boolean first = c / half % 2 == 0;
            double cos = (double) table.getFloat(position + t, i) * before.getFloat(t, c);
            double sin = (double) table.getFloat(position + t, half + i) * before.getFloat(t, first ? c + half : c - half);
            Near.check(first ? cos - sin : cos + sin, x.getFloat(t, c), 3 * Near.U * (Math.abs(cos) + Math.abs(sin)) + TINY,
                draw::toString, t, c);
          }
        }
      }
    }
  }

  static void softmax(Session session) {
    for (int columns : Draw.RAGGED) {
      for (double sigma : new double[] {0, 1, 30, 1e4}) {
        Draw draw = new Draw("softmax of " + columns + " numbers, sigma " + sigma);
        softmax(session, draw, normal(draw, 3, columns, sigma));
      }
      Draw draw = new Draw("softmax of " + columns + " numbers as far apart as floats are");
      Tensor x = normal(draw, 3, columns, 1);
      for (int c = 0; c < columns; c++) {
        x.setFloat(0, c, c % 3 == 1 ? Float.MAX_VALUE : -Float.MAX_VALUE);
        x.setFloat(1, c, c % 2 == 1 ? Float.NEGATIVE_INFINITY : c);
        x.setFloat(2, c, c == columns / 2 ? 0 : -Float.MAX_VALUE);
      }
      softmax(session, draw, x);
    }
  }

  /**
   * With d the distance to the largest element, rounded, the exponential is within (d + EXP)·u of its value; the sum of n of
   * them within n·u and the mean of what they are off; then a quotient, or a reciprocal and a product.
   */
  private static void softmax(Session session, Draw draw, Tensor x) {
    Tensor before = x.toF32();
    session.softmax(x);
    for (int t = 0; t < x.rows(); t++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int c = 0; c < x.columns(); c++) {
        max = Math.max(max, before.getFloat(t, c));
      }
      double sum = 0;
      double weighted = 0;
      for (int c = 0; c < x.columns(); c++) {
        double p = Math.exp(before.getFloat(t, c) - max);
        sum += p;
        weighted += p == 0 ? 0 : p * (max - before.getFloat(t, c));
      }
      for (int c = 0; c < x.columns(); c++) {
        double expected = Math.exp(before.getFloat(t, c) - max) / sum;
        double distance = expected == 0 ? 0 : max - before.getFloat(t, c);
        double roundings = distance + weighted / sum + 2 * Near.EXP + x.columns() + 3;
        Near.check(expected, x.getFloat(t, c), 1.01 * roundings * Near.U * expected + TINY, draw::toString, t, c);
      }
    }
  }

  /**
   * The exponential is within EXP·u, then a sum, a quotient (or a reciprocal and a product) and a product. Where exp(−gate)
   * leaves the range of float (gate below −87) a kernel may answer 0 for what is at most 89·2⁻¹²⁶ of up.
   */
  static void swiGlu(Session session) {
    for (int columns : Draw.RAGGED) {
      for (double sigma : new double[] {1, 50, 1e4}) {
        Draw draw = new Draw("swiGlu of " + columns + " channels, sigma " + sigma);
        Tensor gate = normal(draw, 3, columns, sigma);
        Tensor up = normal(draw, 3, columns, 3);
        gate.setFloat(0, 0, 0);
        gate.setFloat(1, 0, -100_000);
        gate.setFloat(2, columns - 1, 100_000);
        Tensor out = normal(draw, 3, columns, 1);
        session.swiGlu(gate, up, out);
        for (int t = 0; t < 3; t++) {
          for (int c = 0; c < columns; c++) {
            double g = gate.getFloat(t, c);
            double expected = g / (1 + Math.exp(-g)) * up.getFloat(t, c);
            double bound = (Near.EXP + 6) * Near.U * Math.abs(expected) + 89 * TINY * (1 + Math.abs(up.getFloat(t, c)));
            Near.check(expected, out.getFloat(t, c), bound, draw::toString, t, c);
          }
        }
      }
    }
  }

  /** Where out may be an input, the answer is that of an out of its own, to the bit. */
  static void inPlace(Session session) {
    for (int columns : Draw.RAGGED) {
      Draw draw = new Draw("in place, " + columns + " channels");
      Tensor x = normal(draw, 3, columns, 2);
      Tensor y = normal(draw, 3, columns, 2);
      Tensor weight = normal(draw, 1, columns, 1);
      Tensor out = normal(draw, 3, columns, 1);
      session.rmsNorm(x, weight, 1e-5f, out);
      Tensor copy = x.toF32();
      session.rmsNorm(copy, weight, 1e-5f, copy);
      assertArrayEquals(out.toFloats(), copy.toFloats(), () -> draw + ": rmsNorm with out = x");
      session.swiGlu(x, y, out);
      Tensor gate = x.toF32();
      session.swiGlu(gate, y, gate);
      assertArrayEquals(out.toFloats(), gate.toFloats(), () -> draw + ": swiGlu with out = gate");
      Tensor up = y.toF32();
      session.swiGlu(x, up, up);
      assertArrayEquals(out.toFloats(), up.toFloats(), () -> draw + ": swiGlu with out = up");
    }
  }
}
