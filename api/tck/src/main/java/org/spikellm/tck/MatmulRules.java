package org.spikellm.tck;

import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules B.20 to B.22. */
final class MatmulRules {

  private MatmulRules() {}

  /** One ragged size after the other in each place, then all three large. */
  static void product(Session session, DType type) {
    for (int size : Draw.RAGGED) {
      product(session, type, size, 17, 33);
      product(session, type, 3, size, 65);
      product(session, type, 5, 9, size);
    }
    for (int tokens : new int[] {1, 2, 4, 6, 8}) {
      product(session, type, tokens, 127, 255);
    }
    product(session, type, 63, 65, 1021);
    product(session, type, 127, 255, 127);
  }

  /**
   * Each of the k terms of an element meets at most k + 1 roundings, in whatever order they are added, fused or not: its
   * own product and k − 1 sums, and what the orders of the bound leave out. Hence (k + 1) · 2⁻²⁴ · Σ |a·b|.
   */
  private static void product(Session session, DType type, int m, int n, int k) {
    Draw draw = new Draw("matmul " + type + " " + m + "x" + n + "x" + k);
    Tensor a = draw.normal(Placement.ALIGNED.tensor(DType.F32, m, k), 1);
    Tensor b = draw.normal(Placement.ALIGNED.tensor(type, n, k), 1);
    Tensor out = Placement.ALIGNED.tensor(DType.F32, m, n);
    out.segment().fill((byte) 0xff); // NaN: replaced, not added to
    session.matmul(a, b, out);
    float[] left = a.toFloats();
    float[] right = b.toFloats();
    for (int i = 0; i < m; i++) {
      for (int j = 0; j < n; j++) {
        double sum = 0;
        double size = 0;
        for (int c = 0; c < k; c++) {
          double term = (double) left[i * k + c] * right[j * k + c];
          sum += term;
          size += Math.abs(term);
        }
        Near.check(sum, out.getFloat(i, j), (k + 1) * (Near.U * size + Float.MIN_VALUE), draw::toString, i, j);
      }
    }
  }
}
