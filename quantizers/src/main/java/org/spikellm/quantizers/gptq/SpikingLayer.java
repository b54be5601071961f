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
 * @param scaleType of α: F32, or F16, where it is rounded before the counts are, so that error feedback makes up for that too
 */
record SpikingLayer(SpikePlan plan, int blockSize, IntFunction<Dynamics> neuron, DType scaleType) implements LayerQuantizer {

  /** The largest weight from which the last place of the smallest half-precision numbers, 2⁻²⁴, is 2⁻¹¹ of it at most. */
  private static final float LEAST_OF_HALF = 0x1p-13f;
  private static final float MOST_OF_HALF = 65504;

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
    List<CodeClass> codes = codes(layer.weight().rows(), columns, scaleType(layer.weight()));
    ErrorFeedback.run(layer.weight(), layer.factor(), blockEnds, new SpikeTrainRows(codes, columns, inverseSquares(layer)), layer.session());
    ChannelOrder order = columns.order(layer.channels());
    return new Result(new QuantizedWeight(layer.weight().rows(), order, codes),
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

  private List<CodeClass> codes(int rows, ColumnClasses columns, DType scaleType) {
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < columns.classes(); c++) {
      Dynamics train = neuron.apply(plan.steps()[c % plan.classes()]);
      int bits = Integer.SIZE - Integer.numberOfLeadingZeros(2 * train.countHigh());
      int size = columns.sizes()[c];
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, train.countHigh());
      classes.add(new CodeClass(size, bits, train.timeSteps(), columns.groupEnds()[c],
          Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(size, bits)), Tensor.allocate(scaleType, rows, columns.groupEnds()[c].length),
          zero));
    }
    return classes;
  }

  /** Half precision only where what it rounds off is small beside the largest weight, which it is for any usual model. */
  private DType scaleType(Tensor weight) {
    float largest = 0;
    float[] row = new float[weight.columns()];
    for (int r = 0; r < weight.rows(); r++) {
      weight.readRow(r, row);
      for (float w : row) {
        largest = Math.max(largest, Math.abs(w));
      }
    }
    return largest >= LEAST_OF_HALF && largest <= MOST_OF_HALF ? scaleType : DType.F32;
  }
}
