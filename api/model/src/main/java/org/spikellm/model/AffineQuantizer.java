package org.spikellm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/**
 * Asymmetric quantization of weights: {@code code = clip(round(w/scale) + zero, 0, 2^bits − 1)}, with scale and zero point of
 * {@link SpikeRange}, half to even (method.md §4).
 */
public final class AffineQuantizer {

  /** Factors on the extremes of each row or group of a weight. Groups count through the classes, in channel order. */
  public interface Clipping {

    /** The factor on the smallest weight. */
    float low(int row, int group);

    /** The factor on the largest weight. */
    float high(int row, int group);

    /** One factor on all extremes. */
    static Clipping of(float factor) {
      return new Clipping() {
        @Override
        public float low(int row, int group) {
          return factor;
        }

        @Override
        public float high(int row, int group) {
          return factor;
        }
      };
    }
  }

  private AffineQuantizer() {}

  /** Place after the last one of each group of a row: {@code groupSize} places of a class, or the whole row where it is 0. */
  public static int[] groupEnds(ChannelOrder order, int groupSize) {
    if (groupSize == 0) {
      return new int[] {order.channels()};
    }
    return IntStream.range(0, order.classes()).flatMap(c -> IntStream.of(CodeClass.groupEnds(order.end(c) - order.start(c), groupSize))
        .map(end -> order.start(c) + end)).toArray();
  }

  /**
   * A weight whose codes, scales and zero points are all still 0.
   *
   * @param order the order to store the columns in
   * @param bits 1 to 8
   * @param groupSize columns of a class that share a scale, or 0 for a scale a row, over all classes
   */
  public static QuantizedWeight allocate(int rows, ChannelOrder order, int bits, int groupSize) {
    Tensor rowScales = groupSize > 0 ? null : Tensor.allocate(DType.F32, rows, 1);
    Tensor rowZeros = groupSize > 0 ? null : Tensor.allocate(DType.I16, rows, 1);
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, groupSize > 0 ? groupSize : Math.max(1, columns));
      int groups = groupEnds.length;
      Tensor codes = Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits));
      boolean shared = groupSize == 0 && groups == 1;
      classes.add(new CodeClass(columns, bits, 0, groupEnds, codes, shared ? rowScales : Tensor.allocate(DType.F32, rows, groups),
          shared ? rowZeros : Tensor.allocate(DType.I16, rows, groups)));
    }
    return new QuantizedWeight(rows, order, classes);
  }

  /**
   * Quantizes a weight.
   *
   * @param weight F32, F16 or BF16 [rows, columns], columns in the channels' own order
   * @param order the order to store the columns in
   * @param bits 1 to 8
   * @param groupSize columns of a class that share a scale, or 0 for a scale a row, over all classes
   * @param clipping factors on the extremes of each row or group
   */
  public static QuantizedWeight quantize(Tensor weight, ChannelOrder order, int bits, int groupSize, Clipping clipping) {
    Dynamics levels = new Dynamics(1, 1, 0, (1 << bits) - 1, 1);
    int rows = weight.rows();
    QuantizedWeight quantized = allocate(rows, order, bits, groupSize);
    float[] natural = new float[weight.columns()];
    float[] ordered = new float[weight.columns()];
    for (int r = 0; r < rows; r++) {
      weight.readRow(r, natural);
      order.gather(natural, ordered);
      SpikeRange row = range(ordered, 0, ordered.length, levels, clipping, r, 0);
      int group = 0;
      for (int c = 0; c < order.classes(); c++) {
        CodeClass target = quantized.classes().get(c);
        for (int g = 0, from = 0; g < target.groups(); g++) {
          int to = target.groupEnd(g);
          int first = order.start(c);
          SpikeRange range = groupSize > 0 ? range(ordered, first + from, first + to, levels, clipping, r, group++) : row;
          target.scales().setFloat(r, g, range.theta());
          target.zeros().setInt(r, g, range.zero());
          for (int j = from; j < to; j++) {
            float code = Math.min(Math.max(range.current(ordered[first + j]), 0), levels.countHigh());
            target.setCode(r, j, (int) code);
          }
          from = to;
        }
      }
    }
    return quantized;
  }

  private static SpikeRange range(float[] values, int from, int to, Dynamics levels, Clipping clipping, int row, int group) {
    float low = Float.POSITIVE_INFINITY;
    float high = Float.NEGATIVE_INFINITY;
    for (int i = from; i < to; i++) {
      low = Math.min(low, values[i]);
      high = Math.max(high, values[i]);
    }
    return SpikeRange.of(low * clipping.low(row, group), high * clipping.high(row, group), levels);
  }
}
