package org.spikellm.tck;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * A quantized weight and the spikes it is multiplied with.
 *
 * @param weight codes, packed here bit by bit
 * @param train spikes in the weight's channel order
 */
record LinearCase(QuantizedWeight weight, SpikeTrain train) {

  /** The form of a class of columns: levels in groups of one size, or spike trains of {@code timeSteps} in groups of up to that size. */
  record Form(int columns, int bits, int groupSize, int timeSteps) {

    Form(int columns, int bits, int groupSize) {
      this(columns, bits, groupSize, 0);
    }

    /** Ternary trains, in the least bits that hold their counts. */
    static Form train(int columns, int groupSize, int timeSteps) {
      return new Form(columns, 32 - Integer.numberOfLeadingZeros(2 * timeSteps), groupSize, timeSteps);
    }

    private int[] groupEnds(Draw draw) {
      if (timeSteps == 0) {
        return IntStream.iterate(0, from -> from < columns, from -> (int) Math.min(columns, (long) from + groupSize))
            .map(from -> (int) Math.min(columns, (long) from + groupSize)).toArray();
      }
      IntStream.Builder ends = IntStream.builder();
      for (int end = 0; end < columns; ends.add(end)) {
        end += draw.between(1, Math.min(groupSize, columns - end));
      }
      return ends.build().toArray();
    }
  }

  /** Where a weight's numbers come from; {@code code} is told the bits. */
  record Weights(IntUnaryOperator code, IntSupplier zero, DType scaleType, DoubleSupplier scale) {

    /** Codes over their whole range, zero points within it, and scales that are powers of two: products with θ are exact. */
    static Weights powers(Draw draw, int bits) {
      return new Weights(b -> draw.between(0, (1 << b) - 1), () -> draw.between(0, (1 << bits) - 1), DType.F32,
          () -> Math.scalb(1f, draw.between(-6, -3)));
    }

    /** Codes and zero points as above, scales with all their digits. */
    static Weights general(Draw draw, int bits, DType scaleType) {
      return new Weights(b -> draw.between(0, (1 << b) - 1), () -> draw.between(0, (1 << bits) - 1), scaleType,
          () -> draw.between(0.001f, 0.1f));
    }

    /** The ends of every range: codes 0 or all ones, zero points ±10000. */
    static Weights extreme(Draw draw) {
      return new Weights(b -> draw.chance(0.5) ? (1 << b) - 1 : 0, () -> draw.chance(0.5) ? 10_000 : -10_000, DType.F32,
          () -> Math.scalb(1f, draw.between(-6, -3)));
    }
  }

  /** Where a train's numbers come from. */
  record Spikes(DType type, int planes, int offset, IntSupplier stored, IntSupplier zero, DoubleSupplier theta) {

    /** Counts over their whole range, zero points within it, thresholds that are powers of two. */
    static Spikes powers(Draw draw, DType type, int planes, int offset) {
      int high = type == DType.I8 ? 127 : 1020;
      int low = offset == 0 ? 0 : -128;
      return new Spikes(type, planes, offset, () -> draw.between(low, high), () -> draw.between(low, high),
          () -> Math.scalb(1f, draw.between(-3, 3)));
    }

    /** Counts as above, thresholds with all their digits. */
    static Spikes general(Draw draw, DType type, int planes, int offset) {
      Spikes powers = powers(draw, type, planes, offset);
      return new Spikes(type, planes, offset, powers.stored, powers.zero, () -> draw.between(0.01f, 3));
    }

    /** The ends of every range: the smallest and the largest number that is stored, zero points ±10000. */
    static Spikes extreme(Draw draw, DType type) {
      int high = type == DType.I8 ? Byte.MAX_VALUE : Short.MAX_VALUE;
      return new Spikes(type, 1, 0, () -> draw.chance(0.5) ? high : -high - 1, () -> draw.chance(0.5) ? 10_000 : -10_000,
          () -> Math.scalb(1f, draw.between(-3, 3)));
    }
  }

  /** A weight of {@code rows} rows whose columns stand in random order. */
  static QuantizedWeight weight(Draw draw, int rows, List<Form> forms, Weights from, Placement memory) {
    int[] starts = new int[forms.size()];
    int columns = 0;
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < starts.length; c++) {
      Form form = forms.get(c);
      starts[c] = columns;
      columns += form.columns;
      int[] groupEnds = form.groupEnds(draw);
      int groups = groupEnds.length;
      boolean spikes = form.timeSteps > 0;
      Tensor codes = memory.tensor(DType.U8, rows, (form.columns * form.bits + 7) / 8);
      Tensor scales = memory.tensor(from.scaleType, rows, groups);
      Tensor zeros = memory.tensor(DType.I16, spikes ? 1 : rows, spikes ? 1 : groups);
      if (spikes) {
        zeros.setInt(0, 0, form.timeSteps);
      }
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < form.columns; j++) {
          int code = from.code.applyAsInt(form.bits);
          pack(codes, r, j, form.bits, spikes ? code % (2 * form.timeSteps + 1) : code);
        }
        for (int g = 0; g < groups; g++) {
          scales.setFloat(r, g, (float) from.scale.getAsDouble());
          if (!spikes) {
            zeros.setInt(r, g, from.zero.getAsInt());
          }
        }
      }
      classes.add(new CodeClass(form.columns, form.bits, form.timeSteps, groupEnds, codes, scales, zeros));
    }
    return new QuantizedWeight(rows, new ChannelOrder(draw.permutation(columns), starts), classes);
  }

  static SpikeTrain train(int tokens, ChannelOrder order, Spikes from, Placement memory) {
    List<Tensor> planes = new ArrayList<>();
    for (int p = 0; p < from.planes; p++) {
      planes.add(memory.tensor(from.type, tokens, order.channels()));
    }
    Tensor thresholds = memory.tensor(DType.F32, tokens, order.classes());
    Tensor zeros = memory.tensor(DType.I32, tokens, order.classes());
    for (int t = 0; t < tokens; t++) {
      for (Tensor plane : planes) {
        for (int place = 0; place < order.channels(); place++) {
          plane.setInt(t, place, from.stored.getAsInt());
        }
      }
      for (int c = 0; c < order.classes(); c++) {
        thresholds.setFloat(t, c, (float) from.theta.getAsDouble());
        zeros.setInt(t, c, from.zero.getAsInt());
      }
    }
    return new SpikeTrain(order, planes, thresholds, zeros, from.offset);
  }

  static LinearCase of(Draw draw, int tokens, int rows, List<Form> forms, Weights weights, Spikes spikes, Placement memory) {
    QuantizedWeight weight = weight(draw, rows, forms, weights, memory);
    return new LinearCase(weight, train(tokens, weight.order(), spikes, memory));
  }

  private static void pack(Tensor codes, int row, int column, int bits, int code) {
    for (int b = 0; b < bits; b++) {
      int at = column * bits + b;
      codes.setInt(row, at / 8, codes.getInt(row, at / 8) | (code >> b & 1) << at % 8);
    }
  }
}
