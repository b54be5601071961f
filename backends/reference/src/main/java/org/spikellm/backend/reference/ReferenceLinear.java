package org.spikellm.backend.reference;

import org.spikellm.api.CodeClass;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A quantized linear layer on the checkpoint's own codes, which it keeps. */
final class ReferenceLinear implements SpikingLinear {

  private final QuantizedWeight weight;
  private final ReferenceSession session;

  ReferenceLinear(QuantizedWeight weight, ReferenceSession session) {
    this.weight = weight;
    this.session = session;
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
    int tokens = x.tokens();
    long[][] counts = counts(x);
    session.forEach(rows(), r -> {
      int[] codes = new int[columns()];
      for (int c = 0; c < weight.classes().size(); c++) {
        CodeClass codeClass = weight.classes().get(c);
        int first = weight.order().start(c);
        readCodes(codeClass, r, codes);
        for (int t = 0; t < tokens; t++) {
          float theta = x.thresholds().getFloat(t, c);
          float sum = out.getFloat(t, r);
          for (int g = 0, from = 0; g < codeClass.groups(); g++) {
            int to = codeClass.groupEnd(g);
            int codeZero = codeClass.zero(r, g);
            long integer = codeClass.timeSteps() > 0 ? TrainSums.product(counts[t], first, codes, from, to, codeZero)
                : product(counts[t], first, codes, from, to, codeZero);
            sum += (float) integer * (theta * codeClass.scales().getFloat(r, g));
            from = to;
          }
          out.setFloat(t, r, sum);
        }
      }
    });
  }

  @Override
  public void accumulate(Tensor x, Tensor out) {
    Shapes.f32("linear input", x, x.rows(), columns());
    Shapes.f32("linear output", out, x.rows(), rows());
    float[][] inputs = ReferenceSession.rows(x);
    int[] order = weight.order().order();
    session.forEach(rows(), r -> {
      int[] codes = new int[columns()];
      for (int c = 0; c < weight.classes().size(); c++) {
        CodeClass codeClass = weight.classes().get(c);
        int first = weight.order().start(c);
        readCodes(codeClass, r, codes);
        for (int t = 0; t < inputs.length; t++) {
          double sum = out.getFloat(t, r);
          for (int g = 0, from = 0; g < codeClass.groups(); g++) {
            int to = codeClass.groupEnd(g);
            int codeZero = codeClass.zero(r, g);
            double group = codeClass.timeSteps() > 0 ? TrainSums.product(inputs[t], order, first, codes, from, to, codeZero)
                : product(inputs[t], order, first, codes, from, to, codeZero);
            sum += group * codeClass.scales().getFloat(r, g);
            from = to;
          }
          out.setFloat(t, r, (float) sum);
        }
      }
    });
  }

  /** What is stored less the zero point of its class, [tokens][places]. */
  private static long[][] counts(SpikeTrain x) {
    long[][] counts = new long[x.tokens()][x.order().channels()];
    for (int t = 0; t < counts.length; t++) {
      for (int c = 0; c < x.order().classes(); c++) {
        for (int place = x.order().start(c); place < x.order().end(c); place++) {
          counts[t][place] = (long) x.stored(t, place) - x.zeros().getInt(t, c);
        }
      }
    }
    return counts;
  }

  private static long product(long[] x, int first, int[] codes, int from, int to, int zero) {
    long sum = 0;
    for (int j = from; j < to; j++) {
      sum += x[first + j] * (codes[j] - zero);
    }
    return sum;
  }

  private static double product(float[] x, int[] order, int first, int[] codes, int from, int to, int zero) {
    double sum = 0;
    for (int j = from; j < to; j++) {
      sum += (double) x[order[first + j]] * (codes[j] - zero);
    }
    return sum;
  }

  private static void readCodes(CodeClass codeClass, int row, int[] codes) {
    for (int j = 0; j < codeClass.columns(); j++) {
      codes[j] = codeClass.code(row, j);
    }
  }
}
