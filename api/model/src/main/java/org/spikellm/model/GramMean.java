package org.spikellm.model;

import java.lang.foreign.Arena;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * The mean of {@code x xᵀ} over tokens, gathered batch by batch as a running mean, so that late batches count as much as early ones:
 * {@code G += (batch − tokens·G) / all tokens}. Symmetric to the bit.
 */
public final class GramMean {

  private final Session session;
  private final Arena work;
  private final int channels;
  private final Tensor mean;
  private final Tensor batch;
  private Tensor transposed;
  private long tokens;

  /**
   * An empty one.
   *
   * @param mean F32 [channels, channels] of zeros, where it is gathered
   * @param work where to take memory from for another matrix of that size
   */
  public GramMean(Session session, Tensor mean, Arena work) {
    this.session = session;
    this.work = work;
    this.channels = mean.columns();
    this.mean = mean;
    this.batch = Tensor.allocate(work, DType.F32, channels, channels);
  }

  /** @param x F32 [tokens, channels] */
  public void add(Tensor x) {
    if (transposed == null || transposed.columns() != x.rows()) {
      transposed = Tensor.allocate(work, DType.F32, channels, x.rows());
    }
    float[] row = new float[channels];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      for (int c = 0; c < channels; c++) {
        transposed.setFloat(c, t, row[c]);
      }
    }
    session.matmul(transposed, transposed, batch);
    tokens += x.rows();
    float share = 1f / tokens;
    float kept = (float) x.rows() / tokens;
    session.forEach(channels, r -> {
      float[] sum = new float[channels];
      float[] part = new float[channels];
      mean.readRow(r, sum);
      batch.readRow(r, part);
      for (int c = 0; c < channels; c++) {
        sum[c] += part[c] * share - sum[c] * kept;
      }
      mean.writeRow(r, sum);
    });
  }

  /** Tokens so far. */
  public long tokens() {
    return tokens;
  }

  /** The mean, F32 [channels, channels]. */
  public Tensor mean() {
    return mean;
  }
}
