package org.spikellm.model.training;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.BlockTask;
import org.spikellm.api.Calibration;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.Tensor;
import org.spikellm.api.TrainingListener;

/** A small random block with grouped queries and biases, to be trained on one sample. */
final class TrainingCase {

  static final long SEED = 23;
  static final BlockShape SHAPE = new BlockShape(24, 4, 2, 6, 40, 1e-5f);
  static final int TOKENS = 9;

  /** Fires at most one level fewer than asked for in each step, so that counts are not what collapsing would give. */
  static final class Reluctant implements NeuronModel {
    @Override
    public String id() {
      return "reluctant";
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      for (int i = 0; i < input.length; i++) {
        float u = 0.9f * potential[i] + input[i];
        spikes[i] = (short) Math.min(Math.max(Math.floor(u), dynamics.lowLevel()), dynamics.highLevel() - 1);
        potential[i] = u - spikes[i];
      }
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 0.9f, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return false;
    }
  }

  /** Counts of both signs or of one, at once. */
  record Whole(boolean bidirectional) implements NeuronModel {
    @Override
    public String id() {
      return "whole";
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      throw new AssertionError("counts are collapsed");
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      int levels = (1 << bits) - 1;
      return new Dynamics(1, 1, bidirectional ? -levels : 0, levels, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return true;
    }
  }

  final double[][] input = new double[TOKENS][];
  final BlockTask task;
  private final Random random = new Random(SEED);

  /**
   * A case.
   *
   * @param neuron who encodes, or null where activations stay in float
   */
  TrainingCase(int weightBits, int groupSize, NeuronModel neuron) {
    for (int t = 0; t < TOKENS; t++) {
      input[t] = Differences.normal(random, SHAPE.hidden(), 1);
    }
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      int columns = SHAPE.columns(projection);
      int rows = SHAPE.rows(projection);
      Tensor weight = Differences.tensor(Differences.normal(random, rows * columns, 1 / Math.sqrt(columns)), rows);
      Tensor bias = switch (projection) {
        case Q, K, V, DOWN -> Differences.tensor(Differences.normal(random, rows, 0.3), 1);
        default -> null;
      };
      linears.put(projection, new Block.Linear(new DenseWeight(weight), bias, null));
      if (neuron != null) {
        encodings.put(projection, new Encoding(neuron, ChannelOrder.of(salient(columns)),
            List.of(neuron.dynamics(4, 1), neuron.dynamics(4, 2)), neuron.collapsible()));
      }
    }
    Block block = new Block(SHAPE, linears, norm(), norm(), null);
    task = new BlockTask(3, block, new QuantizationSpec(weightBits, neuron == null ? 16 : 4, 2, 0.2, groupSize, 2), neuron, Map.of(
        Projection.Q, new org.spikellm.api.InputStatistics(1, null, new float[0], new double[0])), encodings,
        neuron == null ? null : keyValues(neuron), new Sample(), TrainingListener.NONE);
  }

  private KeyValueEncoding keyValues(NeuronModel neuron) {
    int channels = SHAPE.kvHeads() * SHAPE.headDim();
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      low[c] = -1 - random.nextFloat();
      high[c] = 1 + random.nextFloat();
    }
    return new KeyValueEncoding(neuron, neuron.dynamics(4, 1), neuron.dynamics(4, 2), neuron.collapsible(), salient(channels), low, high,
        salient(channels));
  }

  private boolean[] salient(int channels) {
    boolean[] salient = new boolean[channels];
    for (int c = 0; c < channels; c++) {
      salient[c] = random.nextInt(4) == 0;
    }
    return salient;
  }

  private Tensor norm() {
    float[] norm = new float[SHAPE.hidden()];
    for (int c = 0; c < norm.length; c++) {
      norm[c] = 0.5f + random.nextFloat();
    }
    return Tensor.of(1, norm);
  }

  /** Values in the range that a test wants, for parameters to be moved to. */
  float near(double center, double spread) {
    return (float) (center + spread * (random.nextDouble() - 0.5));
  }

  private static final class Sample implements Calibration {
    @Override
    public int samples() {
      return 1;
    }

    @Override
    public int sequence() {
      return TOKENS;
    }

    @Override
    public Tensor input(int sample) {
      throw new AssertionError("tests give the input themselves");
    }

    @Override
    public Tensor target(int sample) {
      throw new AssertionError("tests give the gradient themselves");
    }

    @Override
    public Tensor answer(int sample) {
      throw new AssertionError("tests give the gradient themselves");
    }

    @Override
    public float[] absMax(Projection.Source source) {
      float[] ones = new float[SHAPE.columns(source)];
      java.util.Arrays.fill(ones, 1);
      return ones;
    }

    @Override
    public Tensor rope() {
      int half = SHAPE.headDim() / 2;
      Tensor table = Tensor.allocate(DType.F32, TOKENS, 2 * half);
      for (int t = 0; t < TOKENS; t++) {
        for (int i = 0; i < half; i++) {
          table.setFloat(t, i, (float) Math.cos(t * Math.pow(10, -i)));
          table.setFloat(t, half + i, (float) Math.sin(t * Math.pow(10, -i)));
        }
      }
      return table;
    }
  }

  /** The input as a tensor. */
  Tensor inputTensor() {
    double[] all = new double[TOKENS * SHAPE.hidden()];
    for (int t = 0; t < TOKENS; t++) {
      System.arraycopy(input[t], 0, all, t * SHAPE.hidden(), SHAPE.hidden());
    }
    return Differences.tensor(all, TOKENS);
  }
}
