package org.spikellm.tck;

import java.util.Optional;
import java.util.OptionalDouble;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** The two required kernels, one element at a time. */
class NaiveSession implements Session {

  final int threads;

  NaiveSession(int threads) {
    this.threads = threads;
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    Shapes.matmul(a, b, out);
    float[] left = a.toFloats();
    float[] right = b.toFloats();
    int k = a.columns();
    for (int i = 0; i < a.rows(); i++) {
      for (int j = 0; j < b.rows(); j++) {
        double sum = 0;
        for (int c = 0; c < k; c++) {
          sum += (double) left[i * k + c] * right[j * k + c];
        }
        out.setFloat(i, j, (float) sum);
      }
    }
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return new Linear(weight);
  }

  @Override
  public Optional<DecoderSession> decoder(DecoderPlan plan) {
    return Optional.of(new NaiveDecoder(this, plan));
  }

  @Override
  public Optional<DeviceLimits> limits() {
    return Optional.of(new DeviceLimits(OptionalDouble.empty(), 1e9, 1e9, OptionalDouble.empty(), "guessed"));
  }

  @Override
  public void close() {}

  /** The kernel on the checkpoint's codes; its steps are methods, for faults to be put in. */
  static class Linear implements SpikingLinear {

    final QuantizedWeight weight;

    Linear(QuantizedWeight weight) {
      this.weight = weight;
    }

    @Override
    public int rows() {
      return weight.rows();
    }

    @Override
    public int columns() {
      return weight.columns();
    }

    @Override
    public void accumulate(SpikeTrain x, Tensor out) {
      Shapes.accumulate(x, weight.order(), rows(), out);
      for (int c = 0; c < weight.classes().size(); c++) {
        int[][] codes = codes(c);
        for (int t = 0; t < x.tokens(); t++) {
          int[] counts = counts(x, t, c);
          for (int r = 0; r < rows(); r++) {
            float sum = out.getFloat(t, r);
            CodeClass form = weight.classes().get(c);
            for (int g = 0, from = 0; g < form.groups(); from = form.groupEnd(g++)) {
              long integer = integer(counts, codes[r], form.zero(r, g), from, form.groupEnd(g));
              sum = add(sum, integer, x.thresholds().getFloat(t, c), form.scales().getFloat(r, g));
            }
            out.setFloat(t, r, sum);
          }
        }
      }
    }

    /** Codes of class {@code c}, [row, column]. */
    int[][] codes(int c) {
      CodeClass form = weight.classes().get(c);
      int[][] codes = new int[rows()][form.columns()];
      for (int r = 0; r < rows(); r++) {
        for (int j = 0; j < form.columns(); j++) {
          codes[r][j] = form.code(r, j);
        }
      }
      return codes;
    }

    /** Counts less the zero point, of the places of class {@code c}. */
    int[] counts(SpikeTrain x, int t, int c) {
      int start = weight.order().start(c);
      int[] counts = new int[weight.order().end(c) - start];
      for (int j = 0; j < counts.length; j++) {
        counts[j] = x.stored(t, start + j) - x.zeros().getInt(t, c);
      }
      return counts;
    }

    long integer(int[] counts, int[] codes, int zero, int from, int to) {
      long sum = 0;
      for (int j = from; j < to; j++) {
        sum += (long) counts[j] * (codes[j] - zero);
      }
      return sum;
    }

    float add(float sum, long integer, float theta, float scale) {
      return sum + (float) integer * (theta * scale);
    }

    @Override
    public void accumulate(Tensor x, Tensor out) {
      Shapes.f32("linear input", x, x.rows(), columns());
      Shapes.f32("linear output", out, x.rows(), rows());
      float[] weights = weight.dequantize().toFloats();
      for (int t = 0; t < x.rows(); t++) {
        for (int r = 0; r < rows(); r++) {
          double sum = out.getFloat(t, r);
          for (int c = 0; c < columns(); c++) {
            sum += (double) x.getFloat(t, c) * weights[r * columns() + c];
          }
          out.setFloat(t, r, (float) sum);
        }
      }
    }
  }
}
