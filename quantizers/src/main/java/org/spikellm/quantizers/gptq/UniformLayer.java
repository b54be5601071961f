package org.spikellm.quantizers.gptq;

import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;

/**
 * GPTQ's own weights (arXiv 2210.17323): the nearest of 2^bits levels between the smallest and the largest weight of a row, or of a group
 * as it is when its first column comes.
 *
 * @param bits 2 to 8
 * @param groupSize columns that share a scale, or 0 for a whole row
 * @param blockSize columns after which the rest of the weight is updated
 */
record UniformLayer(int bits, int groupSize, int blockSize) implements LayerQuantizer {

  @Override
  public boolean byInputClass() {
    return groupSize > 0;
  }

  @Override
  public Result quantize(Layer layer) {
    int rows = layer.weight().rows();
    int[] inputClass = ColumnClasses.classes(layer.input(), layer.channels().length);
    int[] classOf = IntStream.of(layer.channels()).map(channel -> inputClass[channel]).toArray();
    int classes = layer.input() == null ? 1 : layer.input().order().classes();
    ColumnClasses columns = ColumnClasses.of(classOf, classes, new int[] {classOf.length});
    ChannelOrder order = columns.order(layer.channels());
    QuantizedWeight weight = AffineQuantizer.allocate(rows, order, bits, groupSize);
    Rows quantizer = new Rows(weight, columns, new Dynamics(1, 1, 0, (1 << bits) - 1, 1),
        AffineQuantizer.groupEnds(order, groupSize), groupSize);
    ErrorFeedback.run(layer.weight(), layer.factor(), quantizer.blockEnds(layer.blockEnds(blockSize)), quantizer, layer.session());
    return new Result(weight, ColumnClasses.encoding(layer.input(), order, 1));
  }

  /** Ranges are those of the weights as they are when the first column of the group comes. */
  private record Rows(QuantizedWeight weight, ColumnClasses columns, Dynamics levels, int[] groupEnds, int groupSize)
      implements RowQuantizer {

    /** Every group starts a block: only there are all its columns up to date. */
    int[] blockEnds(int[] regular) {
      return IntStream.concat(IntStream.of(regular), IntStream.of(groupEnds)).sorted().distinct().toArray();
    }

    @Override
    public void fit(int row, int from, int to, Tensor weights) {
      int start = 0;
      for (int end : groupEnds) {
        if (start == from) {
          fit(row, from, range(row, from, end, weights));
        }
        start = end;
      }
    }

    private void fit(int row, int from, SpikeRange range) {
      for (int c = 0; c < weight.classes().size(); c++) {
        CodeClass codes = weight.classes().get(c);
        if (codes.columns() > 0 && (groupSize == 0 || c == columns.classOf()[from])) {
          int group = groupSize == 0 ? 0 : columns.indexOf()[from] / groupSize;
          codes.scales().setFloat(row, group, range.theta());
          codes.zeros().setInt(row, group, range.zero());
        }
      }
    }

    private SpikeRange range(int row, int from, int to, Tensor weights) {
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (int j = from; j < to; j++) {
        float w = weights.getFloat(row, j);
        low = Math.min(low, w);
        high = Math.max(high, w);
      }
      return SpikeRange.of(low, high, levels);
    }

    @Override
    public float quantize(int row, int column, float w) {
      CodeClass codes = weight.classes().get(columns.classOf()[column]);
      int index = columns.indexOf()[column];
      int group = groupSize == 0 ? 0 : index / groupSize;
      SpikeRange range = new SpikeRange(codes.scales().getFloat(row, group), codes.zeros().getInt(row, group));
      int code = (int) Math.min(Math.max(range.current(w), 0), levels.countHigh());
      codes.setCode(row, index, code);
      return range.decode(code);
    }
  }
}
