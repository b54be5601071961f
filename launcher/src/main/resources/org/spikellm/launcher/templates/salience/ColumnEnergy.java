package com.example.energy;

import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** What a channel adds to the outputs on average: score_j = mean|x_j| · Σ_i |W_ij|. */
public final class ColumnEnergy implements SalienceDetector {

  @Override
  public String id() {
    return "energy";
  }

  /** The Gram is the costliest statistic: it is not collected where nobody reads it. */
  @Override
  public boolean needsGram() {
    return false;
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    double[] column = new double[weight.columns()];
    float[] row = new float[weight.columns()];
    for (int i = 0; i < weight.rows(); i++) {
      weight.readRow(i, row);
      for (int j = 0; j < row.length; j++) {
        column[j] += Math.abs(row[j]);
      }
    }
    float[] score = new float[column.length];
    for (int j = 0; j < score.length; j++) {
      score[j] = (float) (inputs.absMean()[j] * column[j]);
    }
    return score;
  }
}
