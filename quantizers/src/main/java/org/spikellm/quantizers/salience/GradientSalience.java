package org.spikellm.quantizers.salience;

import java.lang.foreign.Arena;
import org.spikellm.api.DType;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * First-order salience of activation channels (SpikeLLM §4.2, method.md §3): the mean over tokens of {@code x ∘ (x WᵀW)}, signed.
 * With the mean Gram G = XᵀX/N it is {@code diag(G·WᵀW)}, so {@code s_j = Σ_o W_oj (W G)_oj}.
 */
public final class GradientSalience implements SalienceDetector {

  @Override
  public String id() {
    return "gradient";
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    int channels = weight.columns();
    double[] sum = new double[channels];
    try (Arena arena = Arena.ofShared()) {
      Tensor product = Tensor.allocate(arena, DType.F32, weight.rows(), channels);
      session.matmul(weight, inputs.gram(), product);  // G is symmetric
      float[] w = new float[channels];
      float[] wg = new float[channels];
      for (int o = 0; o < weight.rows(); o++) {
        weight.readRow(o, w);
        product.readRow(o, wg);
        for (int j = 0; j < channels; j++) {
          sum[j] += (double) w[j] * wg[j];
        }
      }
    }
    float[] score = new float[channels];
    for (int j = 0; j < channels; j++) {
      score[j] = (float) sum[j];
    }
    return score;
  }
}
