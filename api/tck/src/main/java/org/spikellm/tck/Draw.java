package org.spikellm.tck;

import java.util.SplittableRandom;
import org.spikellm.api.Tensor;

/**
 * The random numbers of one case. They follow from the seed and the case's name alone, so a failure, whose message carries
 * {@link #toString}, repeats with {@code -Dtck.seed=…}.
 */
final class Draw {

  /** Sizes around the widths of vectors, tiles and bytes. */
  static final int[] RAGGED = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255, 1021};

  private static final long SEED = Long.getLong("tck.seed", 1917);

  private final String name;
  private final SplittableRandom random;

  Draw(String name) {
    this.name = name;
    this.random = new SplittableRandom(SEED * 0x9E3779B97F4A7C15L + name.hashCode());
  }

  /** From {@code low} to {@code high}, both included. */
  int between(int low, int high) {
    return random.nextInt(low, high + 1);
  }

  float between(float low, float high) {
    return low + (high - low) * (float) random.nextDouble();
  }

  float gaussian() {
    return (float) random.nextGaussian();
  }

  boolean chance(double probability) {
    return random.nextDouble() < probability;
  }

  int[] permutation(int length) {
    int[] order = new int[length];
    for (int i = 0; i < length; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
    return order;
  }

  /** {@code tensor}, of a floating type, with normal values of standard deviation {@code sigma} in it. */
  Tensor normal(Tensor tensor, double sigma) {
    for (int r = 0; r < tensor.rows(); r++) {
      for (int c = 0; c < tensor.columns(); c++) {
        tensor.setFloat(r, c, (float) (gaussian() * sigma));
      }
    }
    return tensor;
  }

  @Override
  public String toString() {
    return name + " [-Dtck.seed=" + SEED + "]";
  }
}
