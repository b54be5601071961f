package org.spikellm.model.training;

import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The mean squared error, {@code L = mean (x − y)²}, with {@code ∂L/∂x = 2 (x − y)/n}. */
public final class SquaredError {

  private SquaredError() {}

  /**
   * Measures it.
   *
   * @param x F32 [rows, columns]
   * @param y F32 [rows, columns]
   * @param gradient ∂L/∂x is added to it
   */
  public static double of(Session session, Tensor x, Tensor y, Tensor gradient) {
    double[] parts = new double[Rows.chunks(x.rows())];
    float factor = 2f / x.size();
    Rows.forEach(session, x.rows(), rows -> {
      float[] a = new float[x.columns()];
      float[] b = new float[x.columns()];
      float[] g = new float[x.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        x.readRow(r, a);
        y.readRow(r, b);
        gradient.readRow(r, g);
        for (int i = 0; i < a.length; i++) {
          float difference = a[i] - b[i];
          g[i] += factor * difference;
          parts[rows.index()] += (double) difference * difference;
        }
        gradient.writeRow(r, g);
      }
    });
    double sum = 0;
    for (double part : parts) {
      sum += part;
    }
    return sum / x.size();
  }
}
