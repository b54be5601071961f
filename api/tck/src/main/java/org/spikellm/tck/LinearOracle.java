package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.fail;

import java.util.Arrays;
import org.spikellm.api.CodeClass;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** What {@link org.spikellm.api.SpikingLinear} may answer: integers in long, and every float that its rounding rule allows. */
final class LinearOracle {

  private final QuantizedWeight weight;
  /** [row, place] */
  private final int[][] codes;

  LinearOracle(QuantizedWeight weight) {
    this.weight = weight;
    this.codes = new int[weight.rows()][weight.columns()];
    for (int c = 0; c < weight.classes().size(); c++) {
      CodeClass form = weight.classes().get(c);
      for (int r = 0; r < weight.rows(); r++) {
        for (int j = 0; j < form.columns(); j++) {
          codes[r][weight.order().start(c) + j] = unpack(form, r, j);
        }
      }
    }
  }

  private static int unpack(CodeClass form, int row, int column) {
    int code = 0;
    for (int b = 0; b < form.bits(); b++) {
      int at = column * form.bits() + b;
      code |= (form.codes().getInt(row, at / 8) >> at % 8 & 1) << b;
    }
    return code;
  }

  /**
   * Fails where {@code found} is none of the values that the sum may have when it starts from {@code before}: each product is
   * fused with its sum or not, and the sum starts from what is in out, or from zero and is added to it.
   *
   * @param before what was in out, [tokens · rows]
   */
  void check(SpikeTrain train, float[] before, Tensor found, String what) {
    int[][] stored = stored(train);
    for (int t = 0; t < train.tokens(); t++) {
      for (int r = 0; r < weight.rows(); r++) {
        float was = before[t * weight.rows() + r];
        float is = found.getFloat(t, r);
        if (!contains(chain(train, stored[t], t, r, was), is) && !contains(plus(chain(train, stored[t], t, r, 0), was), is)) {
          fail(what + ": token " + t + ", row " + r + ": expected " + Arrays.toString(chain(train, stored[t], t, r, was))
              + ", found " + is + " (added to " + was + "; integer part of each group "
              + integers(train, stored[t], t, r) + ")");
        }
      }
    }
  }

  private static int[][] stored(SpikeTrain train) {
    int[][] stored = new int[train.tokens()][train.order().channels()];
    for (Tensor plane : train.planes()) {
      for (int t = 0; t < stored.length; t++) {
        for (int place = 0; place < stored[t].length; place++) {
          stored[t][place] += plane.getInt(t, place);
        }
      }
    }
    return stored;
  }

  private long integer(SpikeTrain train, int[] stored, int t, int r, int c, int group) {
    CodeClass form = weight.classes().get(c);
    int start = weight.order().start(c);
    long zero = train.zeros().getInt(t, c);
    long codeZero = form.zero(r, group);
    long sum = 0;
    for (int j = group == 0 ? 0 : form.groupEnds()[group - 1]; j < form.groupEnds()[group]; j++) {
      sum += (stored[start + j] - zero) * (codes[r][start + j] - codeZero);
    }
    return sum;
  }

  private float[] chain(SpikeTrain train, int[] stored, int t, int r, float from) {
    float[] values = {from};
    for (int c = 0; c < weight.classes().size(); c++) {
      CodeClass form = weight.classes().get(c);
      for (int g = 0; g < form.groupEnds().length; g++) {
        float integer = integer(train, stored, t, r, c, g);
        float scale = train.thresholds().getFloat(t, c) * form.scales().getFloat(r, g);
        values = step(values, integer, scale);
      }
    }
    return values;
  }

  private static float[] step(float[] values, float integer, float scale) {
    float product = integer * scale;
    float[] next = new float[values.length * 2];
    int length = 0;
    for (float value : values) {
      for (float sum : new float[] {value + product, Math.fma(integer, scale, value)}) {
        if (!contains(next, length, sum)) {
          next[length++] = sum;
        }
      }
    }
    return Arrays.copyOf(next, length);
  }

  private static float[] plus(float[] values, float was) {
    float[] sums = values.clone();
    for (int i = 0; i < sums.length; i++) {
      sums[i] += was;
    }
    return sums;
  }

  private static boolean contains(float[] values, float value) {
    return contains(values, values.length, value);
  }

  private static boolean contains(float[] values, int length, float value) {
    for (int i = 0; i < length; i++) {
      if (values[i] == value) {
        return true;
      }
    }
    return false;
  }

  private String integers(SpikeTrain train, int[] stored, int t, int r) {
    StringBuilder text = new StringBuilder();
    for (int c = 0; c < weight.classes().size(); c++) {
      for (int g = 0; g < weight.classes().get(c).groups() && text.length() < 200; g++) {
        text.append(text.isEmpty() ? "" : ", ").append(integer(train, stored, t, r, c, g));
      }
    }
    return text.toString();
  }

  /**
   * Fails where {@code found} is too far from {@code before + x Wᵀ}. The bound for k columns in g groups, summed in float in any
   * order, with the zero point in the codes or taken out of the sum as {@code Σ x·code − zero·Σ x}: each term meets at most
   * k + g + 4 roundings, hence {@code (k + g + 4) · 2⁻²⁴ · (|before| + Σ |x| (code + |zero|) scale)}.
   */
  void check(Tensor x, float[] before, Tensor found, String what) {
    for (int t = 0; t < x.rows(); t++) {
      for (int r = 0; r < weight.rows(); r++) {
        double expected = before[t * weight.rows() + r];
        double size = Math.abs(expected);
        int groups = 0;
        for (int c = 0; c < weight.classes().size(); c++) {
          CodeClass form = weight.classes().get(c);
          for (int j = 0, group = 0; j < form.columns(); j++) {
            int place = weight.order().start(c) + j;
            group += j == form.groupEnds()[group] ? 1 : 0;
            double scale = form.scales().getFloat(r, group);
            int zero = form.zero(r, group);
            double value = x.getFloat(t, weight.order().order()[place]);
            expected += value * (codes[r][place] - zero) * scale;
            size += Math.abs(value * scale) * (codes[r][place] + Math.abs(zero));
          }
          groups += form.groups();
        }
        double bound = (weight.columns() + groups + 4) * (Near.U * size + Float.MIN_VALUE);
        Near.check(expected, found.getFloat(t, r), bound, () -> what + ", input not encoded", t, r);
      }
    }
  }
}
