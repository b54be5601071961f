package org.spikellm.benchmarks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** Random inputs, the same in every run. */
final class Cases {

  private static final long SEED = 1;

  private Cases() {}

  static Tensor normal(int rows, int columns) {
    Random random = new Random(SEED);
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  /** An F16 weight, normal with deviation 1/√columns. */
  static Tensor half(int rows, int columns) {
    Random random = new Random(SEED);
    Tensor x = Tensor.allocate(DType.F16, rows, columns);
    double scale = 1 / Math.sqrt(columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) (random.nextGaussian() * scale));
      }
    }
    return x;
  }

  /** Every tenth channel is salient. */
  static ChannelOrder order(int channels) {
    boolean[] salient = new boolean[channels];
    for (int c = 0; c < channels; c += 10) {
      salient[c] = true;
    }
    return ChannelOrder.of(salient);
  }

  /** Keys and values of {@code channels}, a tenth of them with twice the steps. */
  static KeyValueEncoding keyValues(int channels, int bits) {
    NeuronModel neuron = new Collapsed();
    float[] low = new float[channels];
    float[] high = new float[channels];
    boolean[] salient = new boolean[channels];
    for (int c = 0; c < channels; c++) {
      low[c] = -3;
      high[c] = 3;
      salient[c] = c % 10 == 0;
    }
    return new KeyValueEncoding(neuron, neuron.dynamics(bits, 1), neuron.dynamics(bits, 2), true, salient, low, high, salient);
  }

  /** Counts of {@code bits} bits, salient channels in two steps. */
  static Encoding encoding(ChannelOrder order, int bits) {
    NeuronModel neuron = new Collapsed();
    return new Encoding(neuron, order, List.of(neuron.dynamics(bits, 1), neuron.dynamics(bits, 2)), true);
  }

  static QuantizedWeight weight(int rows, ChannelOrder order, int bits, int groupSize) {
    Random random = new Random(SEED);
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, groupSize);
      int groups = groupEnds.length;
      CodeClass codes = new CodeClass(columns, bits, 0, groupEnds,
          Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits)), Tensor.allocate(DType.F16, rows, groups),
          Tensor.allocate(DType.I16, rows, groups));
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < columns; j++) {
          codes.setCode(r, j, random.nextInt(1 << bits));
        }
        for (int g = 0; g < groups; g++) {
          codes.scales().setFloat(r, g, 0.01f);
          codes.zeros().setInt(r, g, 1 << bits - 1);
        }
      }
      classes.add(codes);
    }
    return new QuantizedWeight(rows, order, classes);
  }

  /** Ternary spike trains: a class of one time step, one of two and one of four, an F16 scale for what each has of 128 columns. */
  static QuantizedWeight trains(int rows, ChannelOrder order) {
    Random random = new Random(SEED);
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int steps = 1 << c;
      int columns = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, order.classes() == 1 ? 128 : c == 0 ? 102 : 13);
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, steps);
      CodeClass codes = new CodeClass(columns, 2 + c, steps, groupEnds,
          Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, 2 + c)), Tensor.allocate(DType.F16, rows, groupEnds.length), zero);
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < columns; j++) {
          codes.setCode(r, j, random.nextInt(2 * steps + 1));
        }
        for (int g = 0; g < groupEnds.length; g++) {
          codes.scales().setFloat(r, g, 0.01f);
        }
      }
      classes.add(codes);
    }
    return new QuantizedWeight(rows, order, classes);
  }

  /** The order of {@link #trains}, eight of ten columns of one time step or all, and counts of {@code bits} bits in it. */
  static Encoding trainEncoding(int channels, int bits, boolean oneStep) {
    int[] starts = oneStep ? new int[] {0} : new int[] {0, channels * 4 / 5, channels * 9 / 10};
    ChannelOrder order = new ChannelOrder(ChannelOrder.identity(channels).order(), starts);
    NeuronModel neuron = new Collapsed();
    return new Encoding(neuron, order, Collections.nCopies(order.classes(), neuron.dynamics(bits, 1)), true);
  }

  /** A neuron whose counts are computed at once. */
  private static final class Collapsed implements NeuronModel {

    @Override
    public String id() {
      return "collapsed";
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      throw new UnsupportedOperationException("the benchmarks encode collapsed counts only");
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return true;
    }
  }
}
