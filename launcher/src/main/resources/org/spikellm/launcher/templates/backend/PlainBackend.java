package com.example.plain;

import org.spikellm.api.Availability;
import org.spikellm.api.CodeClass;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * The two kernels that a backend must have, in plain Java on the caller's thread; the others have defaults in {@link Session}.
 * Replace them one after the other by what your device does faster: the contract says whether the answers are still right.
 */
public final class PlainBackend implements ComputeBackend {

  @Override
  public String id() {
    return "plain";
  }

  /**
   * Say here what is missing where the device cannot be used; of those that can, {@code auto} takes the one of the highest speed.
   */
  @Override
  public Availability probe() {
    return new Availability.Available("one thread of plain Java", 0);
  }

  @Override
  public Session open(int threads) {
    return new PlainSession();
  }

  private static final class PlainSession implements Session {

    /** out[i, j] = Σ_k a[i, k] · b[j, k]. */
    @Override
    public void matmul(Tensor a, Tensor b, Tensor out) {
      Shapes.matmul(a, b, out);
      float[] left = new float[a.columns()];
      float[] right = new float[a.columns()];
      for (int i = 0; i < a.rows(); i++) {
        a.readRow(i, left);
        for (int j = 0; j < b.rows(); j++) {
          b.readRow(j, right);
          double sum = 0;
          for (int k = 0; k < left.length; k++) {
            sum += (double) left[k] * right[k];
          }
          out.setFloat(i, j, (float) sum);
        }
      }
    }

    @Override
    public SpikingLinear prepare(QuantizedWeight weight) {
      return new PlainLinear(weight);
    }

    @Override
    public void close() {}
  }

  /** A quantized layer on the checkpoint's own codes. */
  private record PlainLinear(QuantizedWeight weight) implements SpikingLinear {

    @Override
    public int rows() {
      return weight.rows();
    }

    @Override
    public int columns() {
      return weight.columns();
    }

    /** The integer part Σ (count − zero)·(code − zero) is exact; then θ·scale by class and group. */
    @Override
    public void accumulate(SpikeTrain x, Tensor out) {
      Shapes.accumulate(x, weight.order(), rows(), out);
      for (int t = 0; t < x.tokens(); t++) {
        for (int r = 0; r < rows(); r++) {
          float sum = out.getFloat(t, r);
          for (int c = 0; c < weight.classes().size(); c++) {
            CodeClass codes = weight.classes().get(c);
            int first = weight.order().start(c);
            int zero = x.zeros().getInt(t, c);
            float theta = x.thresholds().getFloat(t, c);
            for (int g = 0; g < codes.groups(); g++) {
              long integer = 0;
              for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
                integer += (long) (x.stored(t, first + j) - zero) * (codes.code(r, j) - codes.zero(r, g));
              }
              sum += (float) integer * (theta * codes.scales().getFloat(r, g));
            }
          }
          out.setFloat(t, r, sum);
        }
      }
    }

    /** The same for inputs that are not encoded, channels in their own order. */
    @Override
    public void accumulate(Tensor x, Tensor out) {
      Shapes.f32("linear input", x, x.rows(), columns());
      Shapes.f32("linear output", out, x.rows(), rows());
      int[] order = weight.order().order();
      float[] input = new float[columns()];
      for (int t = 0; t < x.rows(); t++) {
        x.readRow(t, input);
        for (int r = 0; r < rows(); r++) {
          double sum = out.getFloat(t, r);
          for (int c = 0; c < weight.classes().size(); c++) {
            CodeClass codes = weight.classes().get(c);
            int first = weight.order().start(c);
            for (int g = 0; g < codes.groups(); g++) {
              double group = 0;
              for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
                group += (double) input[order[first + j]] * (codes.code(r, j) - codes.zero(r, g));
              }
              sum += group * codes.scales().getFloat(r, g);
            }
          }
          out.setFloat(t, r, (float) sum);
        }
      }
    }
  }
}
