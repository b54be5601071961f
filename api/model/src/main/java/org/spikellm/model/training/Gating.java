package org.spikellm.model.training;

import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The backward pass of SwiGLU, {@code y = gate σ(gate) up}. */
final class Gating {

  private Gating() {}

  /**
   * {@code ∂L/∂up = g · gate σ}, {@code ∂L/∂gate = g · up σ (1 + gate (1 − σ))}.
   *
   * @param gate F32 [tokens, channels]
   * @param up F32 [tokens, channels]
   * @param gradient ∂L/∂y
   * @param gateGradient replaced; may be {@code gradient}
   * @param upGradient replaced
   */
  static void backward(Session session, Tensor gate, Tensor up, Tensor gradient, Tensor gateGradient, Tensor upGradient) {
    Rows.forEach(session, gate.rows(), rows -> {
      float[] a = new float[gate.columns()];
      float[] b = new float[gate.columns()];
      float[] g = new float[gate.columns()];
      for (int t = rows.from(); t < rows.to(); t++) {
        gate.readRow(t, a);
        up.readRow(t, b);
        gradient.readRow(t, g);
        for (int c = 0; c < g.length; c++) {
          float sigmoid = (float) (1 / (1 + Math.exp(-a[c])));
          float upward = g[c] * b[c];
          b[c] = g[c] * a[c] * sigmoid;
          a[c] = upward * sigmoid * (1 + a[c] * (1 - sigmoid));
        }
        gateGradient.writeRow(t, a);
        upGradient.writeRow(t, b);
      }
    });
  }
}
