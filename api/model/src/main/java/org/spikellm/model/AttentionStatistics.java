package org.spikellm.model;

import java.util.Arrays;
import org.spikellm.api.BlockShape;
import org.spikellm.api.Tensor;

/**
 * Ranges of keys and salience of key and value channels over the calibration set (method.md §2, §3). Entry
 * {@code kvHead * headDim + channel} of each array.
 *
 * <p>Per sample of N tokens, in double: keys score {@code diag(KᵀK·QᵀQ)/N}, values the mean over tokens of the squared
 * attention output; both averaged over the query heads that share a kv head, then over samples.
 */
final class AttentionStatistics {

  private final BlockShape shape;
  private final float[] keyLow;
  private final float[] keyHigh;
  private final double[] keySum;
  private final double[] valueSum;
  private int samples;

  AttentionStatistics(BlockShape shape) {
    this.shape = shape;
    int channels = shape.kvHeads() * shape.headDim();
    keyLow = new float[channels];
    keyHigh = new float[channels];
    keySum = new double[channels];
    valueSum = new double[channels];
    Arrays.fill(keyLow, Float.POSITIVE_INFINITY);
    Arrays.fill(keyHigh, Float.NEGATIVE_INFINITY);
  }

  /** Adds one sample; see {@link BlockObserver#attention}. */
  void add(Tensor queries, Tensor keys, Tensor out) {
    int headDim = shape.headDim();
    int group = shape.heads() / shape.kvHeads();
    int tokens = keys.rows();
    float[][] q = rows(queries);
    float[][] k = rows(keys);
    float[][] o = rows(out);
    for (float[] row : k) {
      for (int c = 0; c < row.length; c++) {
        keyLow[c] = Math.min(keyLow[c], row[c]);
        keyHigh[c] = Math.max(keyHigh[c], row[c]);
      }
    }
    for (int kv = 0; kv < shape.kvHeads(); kv++) {
      double[][] keyGram = gram(k, kv * headDim);
      for (int h = kv * group; h < (kv + 1) * group; h++) {
        double[][] queryGram = gram(q, h * headDim);
        for (int c = 0; c < headDim; c++) {
          double score = 0;
          for (int j = 0; j < headDim; j++) {
            score += keyGram[c][j] * queryGram[j][c];
          }
          keySum[kv * headDim + c] += score / tokens / group;
          double squares = 0;
          for (float[] row : o) {
            double value = row[h * headDim + c];
            squares += value * value;
          }
          valueSum[kv * headDim + c] += squares / tokens / group;
        }
      }
    }
    samples++;
  }

  private double[][] gram(float[][] x, int from) {
    int n = shape.headDim();
    double[][] gram = new double[n][n];
    for (float[] row : x) {
      for (int i = 0; i < n; i++) {
        double value = row[from + i];
        double[] target = gram[i];
        for (int j = 0; j < n; j++) {
          target[j] += value * row[from + j];
        }
      }
    }
    return gram;
  }

  private static float[][] rows(Tensor x) {
    float[][] rows = new float[x.rows()][x.columns()];
    for (int t = 0; t < rows.length; t++) {
      x.readRow(t, rows[t]);
    }
    return rows;
  }

  float[] keyLow() {
    return keyLow;
  }

  float[] keyHigh() {
    return keyHigh;
  }

  float[] keySalience() {
    return mean(keySum);
  }

  float[] valueSalience() {
    return mean(valueSum);
  }

  private float[] mean(double[] sum) {
    float[] mean = new float[sum.length];
    for (int c = 0; c < sum.length; c++) {
      mean[c] = (float) (sum[c] / samples);
    }
    return mean;
  }
}
