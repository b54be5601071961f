package org.spikellm.quantizers.gptq;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** What error feedback does to a layer's output, on random layers whose inputs depend on each other. */
class ErrorFeedbackTest {

  private static final LayerByLayer.Settings PLAIN = new LayerByLayer.Settings(0.01, false, true, false);
  private static final LayerByLayer.Settings BY_ACTIVATION = new LayerByLayer.Settings(0.01, true, true, false);

  /** A random layer: inputs x [tokens, channels] are a few common sources and noise of each channel's own, so that H is well conditioned. */
  private static final class Problem {
    final int rows;
    final int channels;
    final float[][] x;
    final float[][] w;

    Problem(long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      rows = random.nextInt(8, 40);
      channels = random.nextInt(16, 150);
      int sources = random.nextInt(1, 8);
      x = new float[6 * channels][channels];
      w = new float[rows][channels];
      double[][] mix = new double[sources][channels];
      double[] size = new double[channels];
      Arrays.setAll(size, j -> Math.exp(random.nextGaussian() / 2));
      for (double[] row : mix) {
        Arrays.setAll(row, j -> random.nextGaussian());
      }
      for (float[] row : x) {
        double[] source = random.doubles(sources).map(v -> 2 * v - 1).toArray();
        for (int j = 0; j < channels; j++) {
          double value = random.nextGaussian();
          for (int s = 0; s < sources; s++) {
            value += source[s] * mix[s][j];
          }
          row[j] = (float) (value * size[j]);
        }
      }
      for (float[] row : w) {
        for (int j = 0; j < channels; j++) {
          row[j] = (float) random.nextGaussian();
        }
      }
    }

    /** XᵀX, channels by {@code order}. */
    Tensor hessian(int[] order) {
      Tensor h = Tensor.allocate(DType.F32, channels, channels);
      for (int i = 0; i < channels; i++) {
        for (int j = 0; j < channels; j++) {
          double sum = 0;
          for (float[] row : x) {
            sum += (double) row[order[i]] * row[order[j]];
          }
          h.setFloat(i, j, (float) sum);
        }
      }
      return h;
    }

    Tensor weight(int[] order) {
      Tensor weight = Tensor.allocate(DType.F32, rows, channels);
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < channels; j++) {
          weight.setFloat(r, j, w[r][order[j]]);
        }
      }
      return weight;
    }

    int[] natural() {
      return IntStream.range(0, channels).toArray();
    }

    /** Σ (x (Q − W)ᵀ)². */
    double outputError(Tensor quantized) {
      double error = 0;
      for (float[] row : x) {
        for (int r = 0; r < rows; r++) {
          double sum = 0;
          for (int j = 0; j < channels; j++) {
            sum += (double) row[j] * (quantized.getFloat(r, j) - w[r][j]);
          }
          error += sum * sum;
        }
      }
      return error;
    }
  }

  private static Tensor quantize(LayerQuantizer quantizer, Tensor hessian, Tensor weight, LayerByLayer.Settings settings) {
    try (Session session = new ReferenceBackend().open(1); Arena arena = Arena.ofShared()) {
      Layer layer = new GroupFactors(hessian, settings, session, arena).layer(weight, null, quantizer.byInputClass(), attempt -> { });
      return ((QuantizedWeight) quantizer.quantize(layer).weight()).dequantize();
    }
  }

  /** H without what lies beside its diagonal: nothing is passed on, and all columns count by their own inputs. */
  private static Tensor diagonal(Tensor hessian) {
    Tensor diagonal = Tensor.allocate(DType.F32, hessian.rows(), hessian.columns());
    for (int j = 0; j < hessian.rows(); j++) {
      diagonal.setFloat(j, j, hessian.getFloat(j, j));
    }
    return diagonal;
  }

  private static LayerQuantizer ternary(String plan) {
    return new SpikingLayer(SpikePlan.parse(plan), 32, steps -> new Dynamics(1, 1, -1, 1, steps), DType.F16);
  }

  private static LayerQuantizer quantizer(String name) {
    return switch (name) {
      case "ternary" -> ternary("0.8:1,0.1:2,0.1:4");
      case "one step" -> ternary("1:1");
      default -> new UniformLayer(Integer.parseInt(name.substring(0, 1)), name.endsWith("groups") ? 16 : 0, 32);
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"2 bits", "3 bits", "4 bits", "3 bits, groups", "ternary", "one step"})
  @DisplayName("a layer's output error is no larger with error feedback than without")
  void feedback(String name) {
    for (long seed = 1; seed <= 40; seed++) {
      Problem problem = new Problem(seed);
      Tensor h = problem.hessian(problem.natural());
      Tensor w = problem.weight(problem.natural());
      double with = problem.outputError(quantize(quantizer(name), h, w, PLAIN));
      double without = problem.outputError(quantize(quantizer(name), diagonal(h), w, PLAIN));
      assertTrue(with <= without, name + ", seed " + seed + ": " + with + " with error feedback, " + without + " without");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"3 bits", "4 bits, groups", "ternary"})
  @DisplayName("channels in another order: by activation, the same weights in that order, bit for bit")
  void order(String name) {
    for (long seed = 1; seed <= 20; seed++) {
      Problem problem = new Problem(seed);
      int[] shuffled = problem.natural();
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = shuffled.length - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int held = shuffled[i];
        shuffled[i] = shuffled[j];
        shuffled[j] = held;
      }
      Tensor expected = quantize(quantizer(name), problem.hessian(problem.natural()), problem.weight(problem.natural()), BY_ACTIVATION);
      Tensor found = quantize(quantizer(name), problem.hessian(shuffled), problem.weight(shuffled), BY_ACTIVATION);
      float[] natural = new float[problem.channels];
      float[] ordered = new float[problem.channels];
      float[] row = new float[problem.channels];
      for (int r = 0; r < problem.rows; r++) {
        expected.readRow(r, natural);
        found.readRow(r, ordered);
        for (int j = 0; j < row.length; j++) {
          row[shuffled[j]] = ordered[j];
        }
        assertArrayEquals(natural, row, name + ", seed " + seed + ", row " + r);
      }
    }
  }

  @Test
  @DisplayName("the more time steps, the nearer the float weights; with 63 steps little is left to tell")
  void manySteps() {
    for (long seed = 1; seed <= 10; seed++) {
      Problem problem = new Problem(seed);
      Tensor h = problem.hessian(problem.natural());
      Tensor w = problem.weight(problem.natural());
      double before = Double.POSITIVE_INFINITY;
      for (int steps : new int[] {1, 2, 4, 8, 16, 32, 63}) {
        Tensor q = quantize(ternary("1:" + steps), diagonal(h), w, PLAIN);
        double error = 0;
        double size = 0;
        for (int r = 0; r < problem.rows; r++) {
          for (int j = 0; j < problem.channels; j++) {
            error += Math.pow(q.getFloat(r, j) - w.getFloat(r, j), 2);
            size += Math.pow(w.getFloat(r, j), 2);
          }
        }
        double relative = Math.sqrt(error / size);
        assertTrue(relative < before, "seed " + seed + ", " + steps + " steps: error " + relative + ", with half as many " + before);
        before = relative;
      }
      // The largest of a block's weights is about 2.5 standard deviations, so a level is about 2.5/63 of one, its rounding 1/√12 of that.
      assertTrue(before < 0.015, "seed " + seed + ", 63 steps: relative error " + before);
    }
  }
}
