package org.spikellm.launcher.workflow;

import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.CodeClass;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.QuantizedWeight;

/**
 * What a linear layer does with its input, as its weights are stored.
 *
 * @param rows output channels
 * @param classes of its columns, in channel order
 * @param codedWeights whether all weights are integer codes with a scale
 * @param weightBytes bytes of the weights, as they are computed with
 */
record LayerWork(int rows, List<ClassWork> classes, boolean codedWeights, long weightBytes) {

  /**
   * A class of columns.
   *
   * @param columns how many
   * @param weightBits mean bits of a weight
   * @param weightSteps time steps of the weights' trains; 1 where they are none
   * @param weightSpikes spikes of each column's weights, all rows together; null where they are no trains
   * @param groups parts of a row with a scale of their own; 0 where there are no scales
   */
  record ClassWork(int columns, double weightBits, int weightSteps, long[] weightSpikes, int groups) {}

  static LayerWork of(Block.Linear linear) {
    LinearWeight weight = linear.weight();
    if (!(weight instanceof QuantizedWeight quantized)) {
      List<StoredWeights> stored = StoredWeights.of(weight);
      double bits = stored.stream().mapToDouble(part -> (double) part.weights() * part.bits()).sum()
          / stored.stream().mapToLong(StoredWeights::weights).sum();
      int classes = linear.input() == null ? 1 : linear.input().order().classes();
      return new LayerWork(weight.rows(), IntStream.range(0, classes).mapToObj(c -> new ClassWork(linear.input() == null ? weight.columns()
          : linear.input().order().end(c) - linear.input().order().start(c), bits, 1, null, 0)).toList(), false,
              TokenWork.bytes(weight));
    }
    List<ClassWork> classes = quantized.classes().stream().map(codes -> new ClassWork(codes.columns(), codes.bits(),
        Math.max(1, codes.timeSteps()), codes.timeSteps() == 0 ? null : spikes(codes), codes.groups())).toList();
    return new LayerWork(weight.rows(), classes, true, TokenWork.bytes(weight));
  }

  /** Input channels. */
  long columns() {
    return classes.stream().mapToLong(ClassWork::columns).sum();
  }

  /** Σ_rows |code − zero| of each column. */
  private static long[] spikes(CodeClass codes) {
    int zero = codes.zero(0, 0);
    long[] sums = new long[codes.columns()];
    for (int r = 0; r < codes.rows(); r++) {
      for (int j = 0; j < sums.length; j++) {
        sums[j] += Math.abs(codes.code(r, j) - zero);
      }
    }
    return sums;
  }
}
