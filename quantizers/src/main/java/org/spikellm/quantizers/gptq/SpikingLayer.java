package org.spikellm.quantizers.gptq;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Weights as spike trains (method.md §5): {@code W ≈ α Σ_t S_t}, counts {@code k = clip(round(w/α), −N, N)}, where salient columns have
 * more time steps and so a larger N. α is of a (row, class, block of columns).
 *
 * @param plan time steps by salience
 * @param blockSize columns that share an α
 * @param neuron the dynamics of a train of so many steps, bidirectional
 */
record SpikingLayer(SpikePlan plan, int blockSize, IntFunction<Dynamics> neuron) implements LayerQuantizer {

  /** Half of the last bit of half precision. */
  private static final float HALF_ROUNDING = 0x1p-11f;

  @Override
  public Result quantize(Layer layer) {
    int[] inputClass = ColumnClasses.classes(layer.input(), layer.channels().length);
    int[] classOf = plan.classes(ColumnSalience.of(layer.weight(), layer.factor()));
    int inputClasses = layer.input() == null ? 1 : layer.input().order().classes();
    for (int j = 0; j < classOf.length; j++) {
      classOf[j] += inputClass[layer.channels()[j]] * plan.classes();
    }
    int[] blockEnds = layer.blockEnds(blockSize);
    ColumnClasses columns = ColumnClasses.of(classOf, inputClasses * plan.classes(), blockEnds);
    List<CodeClass> codes = codes(layer.weight().rows(), columns);
    ErrorFeedback.run(layer.weight(), layer.factor(), blockEnds, new SpikeTrainRows(codes, columns, inverseSquares(layer)), layer.session());
    ChannelOrder order = columns.order(layer.channels());
    return new Result(new QuantizedWeight(layer.weight().rows(), order, codes.stream().map(SpikingLayer::withHalfScales).toList()),
        ColumnClasses.encoding(layer.input(), order, plan.classes()));
  }

  /** h_j = 1 / U_jj². */
  private static double[] inverseSquares(Layer layer) {
    double[] h = new double[layer.weight().columns()];
    for (int j = 0; j < h.length; j++) {
      double u = layer.factor().diagonal(j);
      h[j] = 1 / (u * u);
    }
    return h;
  }

  private List<CodeClass> codes(int rows, ColumnClasses columns) {
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < columns.classes(); c++) {
      Dynamics train = neuron.apply(plan.steps()[c % plan.classes()]);
      int bits = Integer.SIZE - Integer.numberOfLeadingZeros(2 * train.countHigh());
      int size = columns.sizes()[c];
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, train.countHigh());
      classes.add(new CodeClass(size, bits, train.timeSteps(), columns.groupEnds()[c],
          Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(size, bits)), Tensor.allocate(DType.F32, rows, columns.groupEnds()[c].length),
          zero));
    }
    return classes;
  }

  /** With scales in half precision, unless one of them would lose more than its last bits of what is largest in its row. */
  private static CodeClass withHalfScales(CodeClass codes) {
    Tensor exact = codes.scales();
    Tensor half = Tensor.allocate(DType.F16, exact.rows(), exact.columns());
    float[] row = new float[exact.columns()];
    for (int r = 0; r < exact.rows(); r++) {
      exact.readRow(r, row);
      float largest = 0;
      for (float scale : row) {
        largest = Math.max(largest, scale);
      }
      for (int g = 0; g < row.length; g++) {
        half.setFloat(r, g, row[g]);
        if (!(Math.abs(half.getFloat(r, g) - row[g]) <= HALF_ROUNDING * largest)) {
          return codes;
        }
      }
    }
    return new CodeClass(codes.columns(), codes.bits(), codes.timeSteps(), codes.groupEnds(), codes.codes(), half, codes.zeros());
  }
}
