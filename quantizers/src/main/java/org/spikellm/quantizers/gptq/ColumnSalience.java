package org.spikellm.quantizers.gptq;

import org.spikellm.api.Tensor;
import org.spikellm.model.HessianFactor;

/** The Hessian score of a weight's columns (method.md §3): {@code s_j = Σ_i W_ij² / U_jj²}; 0 for dead channels. */
public final class ColumnSalience {

  private ColumnSalience() {}

  /**
   * One score a column.
   *
   * @param weight F32 [rows, columns]
   * @param factor of the Hessian of its inputs, columns in the same order
   */
  public static float[] of(Tensor weight, HessianFactor factor) {
    int columns = weight.columns();
    double[] squares = new double[columns];
    float[] row = new float[columns];
    for (int r = 0; r < weight.rows(); r++) {
      weight.readRow(r, row);
      for (int j = 0; j < columns; j++) {
        squares[j] += (double) row[j] * row[j];
      }
    }
    float[] score = new float[columns];
    for (int j = 0; j < columns; j++) {
      double u = factor.diagonal(j);
      score[j] = factor.isDead(j) ? 0 : (float) (squares[j] / (u * u));
    }
    return score;
  }
}
