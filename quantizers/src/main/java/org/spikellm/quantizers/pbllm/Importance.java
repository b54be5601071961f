package org.spikellm.quantizers.pbllm;

import org.spikellm.api.Tensor;
import org.spikellm.quantizers.gptq.Layer;

/** How much an element of a weight matters: {@code W² / U_jj²}. */
final class Importance {

  private static final int HALF = 16;

  private final Tensor weight;
  private final float[] inverseSquare;

  Importance(Layer layer) {
    weight = layer.weight();
    inverseSquare = new float[weight.columns()];
    for (int j = 0; j < inverseSquare.length; j++) {
      double u = layer.factor().diagonal(j);
      inverseSquare[j] = layer.factor().isDead(j) ? 0 : (float) (1 / (u * u));
    }
  }

  float of(float w, int column) {
    return w * w * inverseSquare[column];
  }

  /**
   * The importance that {@code fraction} of all elements are below, exactly: floats that are not negative are ordered as their bits are,
   * so that two counts, by the upper and the lower half of the bits, find it without sorting.
   */
  float threshold(double fraction) {
    long elements = weight.size();
    long rank = Math.min(elements - 1, (long) (fraction * elements));
    long[] upper = count(-1);
    int high = 0;
    while (rank >= upper[high]) {
      rank -= upper[high++];
    }
    long[] lower = count(high);
    int low = 0;
    while (rank >= lower[low]) {
      rank -= lower[low++];
    }
    return Float.intBitsToFloat(high << HALF | low);
  }

  /** Elements by the upper half of their bits, or those with this upper half by the lower one. */
  private long[] count(int high) {
    long[] counts = new long[1 << HALF];
    float[] row = new float[weight.columns()];
    for (int r = 0; r < weight.rows(); r++) {
      weight.readRow(r, row);
      for (int j = 0; j < row.length; j++) {
        int bits = Float.floatToRawIntBits(of(row[j], j));
        if (high < 0) {
          counts[bits >>> HALF]++;
        } else if (bits >>> HALF == high) {
          counts[bits & (1 << HALF) - 1]++;
        }
      }
    }
    return counts;
  }
}
