package org.spikellm.quantizers.gptq;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.HessianFactor;

/**
 * GPTQ's loop (method.md §5): the columns one after another, what rounding one has left is made up for by those after it, at once within
 * a block of columns, by one product after it.
 *
 * <pre>  e = (w_j − q_j) / U_jj     W[:, j:end] −= e U[j, j:end]     W[:, end:] −= E U[block, end:]  </pre>
 */
public final class ErrorFeedback {

  private ErrorFeedback() {}

  /**
   * Quantizes a weight.
   *
   * @param weights F32 [rows, columns], replaced by what they become
   * @param factor of the Hessian of its inputs, inverted, columns in the same order
   * @param blockEnds column after the last one of each block
   * @param quantizer rounds
   */
  public static void run(Tensor weights, HessianFactor factor, int[] blockEnds, RowQuantizer quantizer, Session session) {
    clearDead(weights, factor, session);
    int from = 0;
    for (int to : blockEnds) {
      try (Arena arena = Arena.ofShared()) {
        Tensor errors = block(arena, weights, factor, from, to, quantizer, session);
        if (to < weights.columns()) {
          Tensor left = Tensor.allocate(arena, DType.F32, weights.rows(), weights.columns() - to);
          session.matmul(errors, factor.after(arena, from, to), left);
          subtract(weights, to, left, session);
        }
      }
      from = to;
    }
  }

  private static void clearDead(Tensor weights, HessianFactor factor, Session session) {
    session.forEach(weights.rows(), r -> {
      for (int j = 0; j < weights.columns(); j++) {
        if (factor.isDead(j)) {
          weights.setFloat(r, j, 0);
        }
      }
    });
  }

  /** The errors e of a block, F32 [rows, columns of the block]. */
  private static Tensor block(Arena arena, Tensor weights, HessianFactor factor, int from, int to, RowQuantizer quantizer, Session session) {
    int width = to - from;
    float[][] u = factor.block(from, to);
    Tensor errors = Tensor.allocate(arena, DType.F32, weights.rows(), width);
    session.forEach(weights.rows(), r -> {
      quantizer.fit(r, from, to, weights);
      float[] w = new float[width];
      float[] e = new float[width];
      MemorySegment.copy(weights.segment(), Tensor.FLOAT, r * weights.rowBytes() + 4L * from, w, 0, width);
      for (int j = 0; j < width; j++) {
        float q = quantizer.quantize(r, from + j, w[j]);
        e[j] = (w[j] - q) / u[j][j];
        w[j] = q;
        pass(e[j], u[j], j + 1, w);
      }
      MemorySegment.copy(w, 0, weights.segment(), Tensor.FLOAT, r * weights.rowBytes() + 4L * from, width);
      errors.writeRow(r, e);
    });
    return errors;
  }

  private static void pass(float error, float[] u, int from, float[] w) {
    for (int k = from; k < w.length; k++) {
      w[k] -= error * u[k];
    }
  }

  private static void subtract(Tensor weights, int from, Tensor part, Session session) {
    session.forEach(weights.rows(), r -> {
      float[] a = new float[part.columns()];
      float[] b = new float[part.columns()];
      long at = r * weights.rowBytes() + 4L * from;
      MemorySegment.copy(weights.segment(), Tensor.FLOAT, at, a, 0, a.length);
      part.readRow(r, b);
      for (int j = 0; j < a.length; j++) {
        a[j] -= b[j];
      }
      MemorySegment.copy(a, 0, weights.segment(), Tensor.FLOAT, at, a.length);
    });
  }
}
