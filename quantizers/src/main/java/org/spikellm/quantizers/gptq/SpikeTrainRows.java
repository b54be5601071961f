package org.spikellm.quantizers.gptq;

import java.lang.foreign.MemorySegment;
import java.util.List;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Tensor;

/**
 * Fits and fires the spike trains of a weight. α of a (row, class, block) is the best of 60 even parts of the largest |w| / N, then refined
 * in ten rounds of {@code α = Σ h w k / Σ h k²}, k the counts that α gives (method.md §5).
 *
 * @param codes the classes, to be filled in
 * @param columns where each column goes
 * @param h weight of each column's error, 1 / U_jj². Not copied or changed
 */
record SpikeTrainRows(List<CodeClass> codes, ColumnClasses columns, double[] h) implements RowQuantizer {

  private static final int GRID = 60;
  private static final int ROUNDS = 10;

  @Override
  public void fit(int row, int from, int to, Tensor weights) {
    float[] block = new float[to - from];
    MemorySegment.copy(weights.segment(), Tensor.FLOAT, row * weights.rowBytes() + 4L * from, block, 0, to - from);
    double[] w = new double[to - from];
    double[] error = new double[to - from];
    for (int c = 0; c < codes.size(); c++) {
      int count = 0;
      int group = 0;
      for (int j = from; j < to; j++) {
        if (columns.classOf()[j] == c) {
          w[count] = block[j - from];
          error[count++] = h[j];
          group = columns.groupOf()[j];
        }
      }
      if (count > 0) {
        codes.get(c).scales().setFloat(row, group, (float) scale(w, error, count, codes.get(c).zero(row, 0)));
      }
    }
  }

  private static double scale(double[] w, double[] h, int count, int most) {
    double largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(w[i]));
    }
    if (largest == 0) {
      return 0;
    }
    double best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int part = 1; part <= GRID; part++) {
      double alpha = largest * part / GRID / most;
      double error = error(w, h, count, alpha, most);
      if (error < least) {
        least = error;
        best = alpha;
      }
    }
    for (int round = 0; round < ROUNDS; round++) {
      best = refit(w, h, count, best, most);
    }
    return best;
  }

  private static double count(double w, double alpha, int most) {
    return Math.min(Math.max(Math.rint(w / alpha), -most), most);
  }

  private static double error(double[] w, double[] h, int count, double alpha, int most) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double rest = w[i] - alpha * count(w[i], alpha, most);
      sum += h[i] * rest * rest;
    }
    return sum;
  }

  private static double refit(double[] w, double[] h, int count, double alpha, int most) {
    double product = 0;
    double square = 0;
    for (int i = 0; i < count; i++) {
      double k = count(w[i], alpha, most);
      product += h[i] * w[i] * k;
      square += h[i] * k * k;
    }
    return square > 0 ? product / square : alpha;
  }

  @Override
  public float quantize(int row, int column, float weight) {
    CodeClass target = codes.get(columns.classOf()[column]);
    float alpha = target.scales().getFloat(row, columns.groupOf()[column]);
    int most = target.zero(row, 0);
    int k = alpha > 0 ? (int) count(weight, alpha, most) : 0;
    target.setCode(row, columns.indexOf()[column], k + most);
    return alpha * k;
  }
}
