package org.spikellm.model;

import java.lang.foreign.Arena;
import org.spikellm.api.DType;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Gathers the statistics of one linear layer's inputs, batch by batch. */
final class InputAccumulator {

  private final Session session;
  private final Arena work = Arena.ofShared();
  private final int channels;
  private final Tensor gram;
  private final Tensor batchGram;
  private final float[] absMax;
  private final double[] absSum;
  private Tensor transposed;
  private long tokens;

  /** @param withGram whether the Gram is wanted */
  InputAccumulator(Session session, int channels, boolean withGram) {
    this.session = session;
    this.channels = channels;
    this.gram = withGram ? Tensor.allocate(DType.F32, channels, channels) : null;
    this.batchGram = withGram ? Tensor.allocate(work, DType.F32, channels, channels) : null;
    this.absMax = new float[channels];
    this.absSum = new double[channels];
  }

  /** @param x F32 [tokens, channels] */
  void add(Tensor x) {
    if (gram != null && (transposed == null || transposed.columns() != x.rows())) {
      transposed = Tensor.allocate(work, DType.F32, channels, x.rows());
    }
    float[] row = new float[channels];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      for (int c = 0; c < channels; c++) {
        float magnitude = Math.abs(row[c]);
        absMax[c] = Math.max(absMax[c], magnitude);
        absSum[c] += magnitude;
        if (gram != null) {
          transposed.setFloat(c, t, row[c]);
        }
      }
    }
    tokens += x.rows();
    if (gram != null) {
      session.matmul(transposed, transposed, batchGram);
      addTo(gram, batchGram);
    }
  }

  private static void addTo(Tensor sum, Tensor part) {
    float[] a = new float[sum.columns()];
    float[] b = new float[sum.columns()];
    for (int r = 0; r < sum.rows(); r++) {
      sum.readRow(r, a);
      part.readRow(r, b);
      for (int c = 0; c < a.length; c++) {
        a[c] += b[c];
      }
      sum.writeRow(r, a);
    }
  }

  /** The statistics; nothing can be added after. */
  InputStatistics statistics() {
    if (work.scope().isAlive()) {
      work.close();
    }
    double[] mean = new double[channels];
    for (int c = 0; c < channels; c++) {
      mean[c] = absSum[c] / tokens;
    }
    return new InputStatistics(tokens, gram, absMax, mean);
  }
}
