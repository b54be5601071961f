package org.spikellm.model;

import java.lang.foreign.Arena;
import org.spikellm.api.DType;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Gathers the statistics of one linear layer's inputs, batch by batch. */
final class InputAccumulator {

  private final Arena work = Arena.ofShared();
  private final int channels;
  private final GramMean gram;
  private final float[] absMax;
  private final double[] absSum;
  private long tokens;

  /** @param withGram whether the Gram is wanted */
  InputAccumulator(Session session, int channels, boolean withGram) {
    this.channels = channels;
    this.gram = withGram ? new GramMean(session, Tensor.allocate(DType.F32, channels, channels), work) : null;
    this.absMax = new float[channels];
    this.absSum = new double[channels];
  }

  /** @param x F32 [tokens, channels] */
  void add(Tensor x) {
    float[] row = new float[channels];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      for (int c = 0; c < channels; c++) {
        float magnitude = Math.abs(row[c]);
        absMax[c] = Math.max(absMax[c], magnitude);
        absSum[c] += magnitude;
      }
    }
    tokens += x.rows();
    if (gram != null) {
      gram.add(x);
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
    return new InputStatistics(tokens, gram == null ? null : gram.mean(), absMax, mean);
  }
}
