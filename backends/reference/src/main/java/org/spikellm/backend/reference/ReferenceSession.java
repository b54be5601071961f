package org.spikellm.backend.reference;

import java.util.function.IntConsumer;
import org.spikellm.api.LoopPool;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** The two required kernels, a row of the weight at a time; everything else is the API's default. */
final class ReferenceSession implements Session {

  private final LoopPool loops;

  ReferenceSession(int threads) {
    loops = new LoopPool(threads);
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    Shapes.matmul(a, b, out);
    float[][] left = rows(a);
    forEach(b.rows(), j -> {
      float[] weight = new float[b.columns()];
      b.readRow(j, weight);
      for (int i = 0; i < left.length; i++) {
        out.setFloat(i, j, (float) dot(left[i], weight));
      }
    });
  }

  @Override
  public boolean readsTiles() {
    return true;
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return new ReferenceLinear(weight, this);
  }

  @Override
  public void close() {
    loops.close();
  }

  @Override
  public void forEach(int count, IntConsumer body) {
    loops.forEach(count, body);
  }

  static float[][] rows(Tensor x) {
    float[][] rows = new float[x.rows()][x.columns()];
    for (int t = 0; t < rows.length; t++) {
      x.readRow(t, rows[t]);
    }
    return rows;
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int k = 0; k < a.length; k++) {
      sum += (double) a[k] * b[k];
    }
    return sum;
  }
}
