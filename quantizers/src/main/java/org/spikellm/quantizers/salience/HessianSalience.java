package org.spikellm.quantizers.salience;

import java.lang.foreign.Arena;
import org.spikellm.api.DType;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.HessianFactor;
import org.spikellm.quantizers.gptq.ColumnSalience;

/**
 * Second-order salience of weight columns (method.md §3): {@code s_j = Σ_i W_ij² / U_jj²}, with H⁻¹ = UᵀU and H the damped Hessian
 * of GPTQ (method.md §5).
 */
public final class HessianSalience implements SalienceDetector {

  private static final double DAMPING = 0.01;

  @Override
  public String id() {
    return "hessian";
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    try (Arena arena = Arena.ofShared()) {
      HessianFactor factor = HessianFactor.of(hessian(inputs.gram(), arena), DAMPING, session, attempt -> { });
      return ColumnSalience.of(weight, factor);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("salience 'hessian': " + e.getMessage(), e);
    }
  }

  /**
   * {@code H = 2 G}, of a token, where GPTQ has that of a sequence: the factor between them scales all scores alike, but for dead channels,
   * whose diagonal is 1 with either and has its part in the mean that damps.
   */
  private static Tensor hessian(Tensor gram, Arena arena) {
    int n = gram.rows();
    Tensor hessian = Tensor.allocate(arena, DType.F32, n, n);
    float[] row = new float[n];
    for (int i = 0; i < n; i++) {
      gram.readRow(i, row);
      for (int j = 0; j < n; j++) {
        row[j] *= 2;
      }
      hessian.writeRow(i, row);
    }
    return hessian;
  }
}
