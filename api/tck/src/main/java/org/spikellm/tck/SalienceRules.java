package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.DType;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules S.1 to S.6. */
final class SalienceRules {

  private SalienceRules() {}

  /** A weight and what is known of its inputs. */
  private record Layer(String name, Tensor weight, InputStatistics inputs) {}

  private static List<Layer> layers() {
    List<Layer> layers = new ArrayList<>();
    for (int channels : new int[] {1, 2, 3, 8, 17, 33, 65, 127}) {
      Draw draw = new Draw("salience of " + channels + " channels");
      Tensor x = draw.normal(Placement.ALIGNED.tensor(DType.F32, 2 * channels + 3, channels), 1);
      layers.add(layer(draw.toString(), draw.normal(Placement.ALIGNED.tensor(DType.F32, 24, channels), 0.1), x));
    }
    return layers;
  }

  static Layer layer(String name, Tensor weight, Tensor x) {
    return new Layer(name, weight, statistics(x));
  }

  /** Statistics of the rows of {@code x}, summed in double. */
  static InputStatistics statistics(Tensor x) {
    int channels = x.columns();
    Tensor gram = Tensor.allocate(DType.F32, channels, channels);
    float[] absMax = new float[channels];
    double[] absMean = new double[channels];
    for (int i = 0; i < channels; i++) {
      for (int j = 0; j < channels; j++) {
        double sum = 0;
        for (int t = 0; t < x.rows(); t++) {
          sum += (double) x.getFloat(t, i) * x.getFloat(t, j);
        }
        gram.setFloat(i, j, (float) (sum / x.rows()));
      }
      for (int t = 0; t < x.rows(); t++) {
        absMax[i] = Math.max(absMax[i], Math.abs(x.getFloat(t, i)));
        absMean[i] += Math.abs(x.getFloat(t, i)) / (double) x.rows();
      }
    }
    return new InputStatistics(x.rows(), gram, absMax, absMean);
  }

  private static float[] score(SalienceDetector detector, Session session, Layer layer) {
    float[] scores = detector.score(layer.weight, layer.inputs, session);
    assertEquals(layer.weight.columns(), scores.length, () -> layer.name + ": number of scores");
    for (int c = 0; c < scores.length; c++) {
      int at = c;
      assertTrue(Float.isFinite(scores[c]), () -> layer.name + ": score of channel " + at + " is " + scores[at]);
    }
    return scores;
  }

  static void finite(SalienceDetector detector, Session session) {
    layers().forEach(layer -> score(detector, session, layer));
  }

  /** Dead channels, dead weights, channels that are all alike, few tokens: still numbers. */
  static void degenerate(SalienceDetector detector, Session session) {
    for (int channels : new int[] {1, 2, 9}) {
      Tensor weight = new Draw("degenerate salience").normal(Tensor.allocate(DType.F32, 5, channels), 1);
      Tensor dead = Tensor.allocate(DType.F32, 4, channels);
      Tensor alike = Tensor.allocate(DType.F32, 4, channels);
      for (int t = 0; t < 4; t++) {
        for (int c = 0; c < channels; c++) {
          alike.setFloat(t, c, 1);
          dead.setFloat(t, c, c == 1 ? t : 0);
        }
      }
      score(detector, session, layer("dead channels, " + channels, weight, dead));
      score(detector, session, layer("channels that are alike, " + channels, weight, alike));
      score(detector, session, layer("a single token, " + channels, weight, alike.rows(0, 1)));
      score(detector, session, layer("weights of zero, " + channels, Tensor.allocate(DType.F32, 5, channels), alike));
    }
  }

  static void deterministic(SalienceDetector detector, Session one, Session three) {
    List<Layer> layers = layers();
    List<float[]> first = layers.stream().map(layer -> score(detector, one, layer)).toList();
    for (int i = layers.size() - 1; i >= 0; i--) {
      Layer layer = layers.get(i);
      assertArrayEquals(first.get(i), score(detector, one, layer), () -> layer.name + ": scores, asked again");
      assertArrayEquals(first.get(i), score(detector, three, layer), () -> layer.name + ": scores, on 3 threads in place of 1");
    }
  }

  /**
   * For inputs that are not correlated (XᵀX is diagonal; a factorization of another Gram may depend on the order of the
   * channels). The bound is what a float sum over all n weights may be off when its order changes: n · 2⁻²⁴ of the largest score.
   */
  static void permuted(SalienceDetector detector, Session session) {
    for (int channels : new int[] {2, 9, 33}) {
      Draw draw = new Draw("salience of permuted channels, " + channels);
      Tensor weight = draw.normal(Tensor.allocate(DType.F32, 24, channels), 0.1);
      Tensor x = Tensor.allocate(DType.F32, channels, channels);
      for (int c = 0; c < channels; c++) {
        x.setFloat(c, c, draw.between(0.1f, 3));
      }
      int[] order = draw.permutation(channels);
      float[] scores = score(detector, session, layer(draw.toString(), weight, x));
      float[] turned = score(detector, session, layer(draw.toString(), permute(weight, order), permute(x, order)));
      double largest = 0;
      for (float score : scores) {
        largest = Math.max(largest, Math.abs(score));
      }
      for (int place = 0; place < channels; place++) {
        Near.check(scores[order[place]], turned[place], weight.size() * Near.U * largest, draw::toString, 0, place);
      }
    }
  }

  private static Tensor permute(Tensor tensor, int[] order) {
    Tensor turned = Tensor.allocate(DType.F32, tensor.rows(), tensor.columns());
    for (int r = 0; r < tensor.rows(); r++) {
      for (int place = 0; place < order.length; place++) {
        turned.setFloat(r, place, tensor.getFloat(r, order[place]));
      }
    }
    return turned;
  }

  static void gram(SalienceDetector detector, Session session) {
    for (Layer layer : layers()) {
      InputStatistics known = layer.inputs;
      InputStatistics less = new InputStatistics(known.tokens(), null, known.absMax(), known.absMean());
      assertArrayEquals(score(detector, session, layer), score(detector, session, new Layer(layer.name, layer.weight, less)),
          () -> layer.name + ": scores without the Gram, which the detector says it does not need");
    }
  }

  static void inputs(SalienceDetector detector, Session session) {
    for (Layer layer : layers()) {
      byte[] weight = Kernel.bytes(layer.weight);
      byte[] gram = Kernel.bytes(layer.inputs.gram());
      float[] absMax = layer.inputs.absMax().clone();
      double[] absMean = layer.inputs.absMean().clone();
      score(detector, session, layer);
      assertArrayEquals(weight, Kernel.bytes(layer.weight), () -> layer.name + ": the weight was changed");
      assertArrayEquals(gram, Kernel.bytes(layer.inputs.gram()), () -> layer.name + ": the Gram was changed");
      assertArrayEquals(absMax, layer.inputs.absMax(), () -> layer.name + ": max|x| was changed");
      assertArrayEquals(absMean, layer.inputs.absMean(), () -> layer.name + ": mean|x| was changed");
    }
  }
}
