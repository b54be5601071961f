package org.spikellm.quantizers.salience;

import java.util.Map;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.Provider;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Salience by size (method.md §3, a baseline): the mean of |x_j| over tokens, or the sum of |W_ij| over outputs. */
public final class MagnitudeSalience implements SalienceDetector {

  private static final String OF = "of";
  private static final String INPUTS = "inputs";
  private static final String WEIGHTS = "weights";

  private final boolean ofWeights;

  /** Of inputs. */
  public MagnitudeSalience() {
    this(false);
  }

  private MagnitudeSalience(boolean ofWeights) {
    this.ofWeights = ofWeights;
  }

  @Override
  public String id() {
    return "magnitude";
  }

  @Override
  public Map<String, String> options() {
    return Map.of(OF, ofWeights ? WEIGHTS : INPUTS);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    String of = options.getOrDefault(OF, INPUTS);
    if (!of.equals(INPUTS) && !of.equals(WEIGHTS)) {
      throw new IllegalArgumentException("magnitude.of: expected inputs or weights, found '" + of + "'");
    }
    return new MagnitudeSalience(of.equals(WEIGHTS));
  }

  @Override
  public boolean needsGram() {
    return false;
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    int channels = weight.columns();
    double[] size = ofWeights ? new double[channels] : inputs.absMean();
    if (ofWeights) {
      float[] row = new float[channels];
      for (int o = 0; o < weight.rows(); o++) {
        weight.readRow(o, row);
        for (int j = 0; j < channels; j++) {
          size[j] += Math.abs(row[j]);
        }
      }
    }
    float[] score = new float[channels];
    for (int j = 0; j < channels; j++) {
      score[j] = (float) size[j];
    }
    return score;
  }
}
