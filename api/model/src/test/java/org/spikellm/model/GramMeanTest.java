package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

class GramMeanTest {

  private static final int CHANNELS = 5;
  private static final int BATCHES = 300;

  /** Batches of several sizes whose numbers grow: a mean of their means, or one in which late ones count less, is far off. */
  @Test
  void itIsTheMeanOverAllTokensOfAllBatchesAndSymmetric() {
    SplittableRandom random = new SplittableRandom(7);
    double[][] sum = new double[CHANNELS][CHANNELS];
    double[][] size = new double[CHANNELS][CHANNELS];
    long tokens = 0;
    try (Session session = new ReferenceBackend().open(2); Arena work = Arena.ofShared()) {
      GramMean mean = new GramMean(session, Tensor.allocate(DType.F32, CHANNELS, CHANNELS), work);
      for (int b = 0; b < BATCHES; b++) {
        Tensor x = Tensor.allocate(DType.F32, 1 + b * 5 % 13, CHANNELS);
        for (int t = 0; t < x.rows(); t++) {
          for (int i = 0; i < CHANNELS; i++) {
            x.setFloat(t, i, (float) (random.nextGaussian() + i) * (1 + b / 100f));
          }
          for (int i = 0; i < CHANNELS; i++) {
            for (int j = 0; j < CHANNELS; j++) {
              double product = (double) x.getFloat(t, i) * x.getFloat(t, j);
              sum[i][j] += product;
              size[i][j] += Math.abs(product);
            }
          }
        }
        tokens += x.rows();
        mean.add(x);
      }
      assertEquals(tokens, mean.tokens());
      for (int i = 0; i < CHANNELS; i++) {
        for (int j = 0; j < CHANNELS; j++) {
          // Four roundings a batch, of numbers up to the mean of |x xᵀ| now, and those of a batch's sum of up to 13.
          double bound = (4 * BATCHES + 13) * 0x1p-24 * size[i][j] / tokens;
          assertEquals(sum[i][j] / tokens, mean.mean().getFloat(i, j), bound, i + ", " + j);
          assertEquals(mean.mean().getFloat(j, i), mean.mean().getFloat(i, j));
        }
      }
    }
  }
}
