package org.spikellm.model.training;

import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The backward pass of an RMS norm, {@code y = x · r · w} with {@code r = 1/√(mean x² + ε)}. */
final class Normalization {

  private Normalization() {}

  /**
   * {@code ∂L/∂w = Σ_t g x r}, {@code ∂L/∂x = r (w g − x r² mean(w g x))}.
   *
   * @param x F32 [tokens, channels]
   * @param weight one a channel
   * @param gradient ∂L/∂y, F32 [tokens, channels]
   * @param inputGradient ∂L/∂x is added to it; or null where nobody wants it
   * @return ∂L/∂w
   */
  static float[] backward(Session session, Tensor x, float[] weight, float epsilon, Tensor gradient, Tensor inputGradient) {
    int channels = x.columns();
    float[][] parts = new float[Rows.chunks(x.rows())][channels];
    Rows.forEach(session, x.rows(), rows -> {
      float[] row = new float[channels];
      float[] g = new float[channels];
      float[] sum = new float[channels];
      float[] part = parts[rows.index()];
      for (int t = rows.from(); t < rows.to(); t++) {
        x.readRow(t, row);
        gradient.readRow(t, g);
        double squares = 0;
        double mixed = 0;
        for (int c = 0; c < channels; c++) {
          squares += (double) row[c] * row[c];
          mixed += (double) g[c] * weight[c] * row[c];
        }
        double r = 1 / Math.sqrt(squares / channels + epsilon);
        float scale = (float) r;
        float pull = (float) (r * r * r * mixed / channels);
        for (int c = 0; c < channels; c++) {
          part[c] += g[c] * row[c] * scale;
        }
        if (inputGradient != null) {
          inputGradient.readRow(t, sum);
          for (int c = 0; c < channels; c++) {
            sum[c] += g[c] * weight[c] * scale - row[c] * pull;
          }
          inputGradient.writeRow(t, sum);
        }
      }
    });
    return Rows.total(parts);
  }
}
