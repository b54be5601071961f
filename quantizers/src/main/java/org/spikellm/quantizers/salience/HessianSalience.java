package org.spikellm.quantizers.salience;

import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * Second-order salience of weight columns (method.md §3): {@code s_j = Σ_i W_ij² / U_jj²}, with H⁻¹ = UᵀU and H the damped Hessian
 * of GPTQ (method.md §5). H⁻¹ itself is not needed: with H = R Rᵀ, R upper triangular, U = R⁻¹ and 1/U_jj = R_jj.
 */
public final class HessianSalience implements SalienceDetector {

  private static final double DAMPING = 0.01;

  @Override
  public String id() {
    return "hessian";
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    double[] diagonal = reverseCholeskyDiagonal(hessian(inputs));
    int channels = weight.columns();
    double[] squares = new double[channels];
    float[] row = new float[channels];
    for (int o = 0; o < weight.rows(); o++) {
      weight.readRow(o, row);
      for (int j = 0; j < channels; j++) {
        squares[j] += (double) row[j] * row[j];
      }
    }
    float[] score = new float[channels];
    for (int j = 0; j < channels; j++) {
      boolean dead = inputs.gram().getFloat(j, j) == 0;
      score[j] = dead ? 0 : (float) (squares[j] * diagonal[j] * diagonal[j]);
    }
    return score;
  }

  /**
   * {@code H = 2 G / N} with dead columns at 1 and the damping on the diagonal. N counts tokens here and sequences in GPTQ: the
   * factor between them scales all scores alike.
   */
  private static double[][] hessian(InputStatistics inputs) {
    Tensor gram = inputs.gram();
    int n = gram.rows();
    double[][] h = new double[n][n];
    float[] row = new float[n];
    double trace = 0;
    for (int i = 0; i < n; i++) {
      gram.readRow(i, row);
      for (int j = 0; j < n; j++) {
        h[i][j] = 2.0 * row[j] / inputs.tokens();
      }
      if (h[i][i] == 0) {
        h[i][i] = 1;
      }
      trace += h[i][i];
    }
    for (int i = 0; i < n; i++) {
      h[i][i] += DAMPING * trace / n;
    }
    return h;
  }

  /** The diagonal of R in H = R Rᵀ, R upper triangular, from the last column to the first; H is overwritten. */
  private static double[] reverseCholeskyDiagonal(double[][] h) {
    int n = h.length;
    double[] diagonal = new double[n];
    for (int j = n - 1; j >= 0; j--) {
      double pivot = h[j][j];
      if (!(pivot > 0)) {
        throw new IllegalArgumentException("hessian salience: the Gram is not positive definite at channel " + j
            + "; use more calibration samples, or --salience gradient");
      }
      diagonal[j] = Math.sqrt(pivot);
      double[] column = h[j];
      for (int i = 0; i < j; i++) {
        double factor = column[i] / pivot;
        double[] target = h[i];
        for (int k = 0; k <= i; k++) {
          target[k] -= factor * column[k];
        }
      }
    }
    return diagonal;
  }
}
