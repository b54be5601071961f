package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** Each backward pass on its own, against differences in double of the sum of its outputs times random numbers. */
class OperationGradientTest {

  private static final int ROWS = 21;    // a whole chunk and a part of one
  private static final int COLUMNS = 14;

  private final Random random = new Random(41);
  private final Session session = new ReferenceBackend().open(1);
  private final double[] x = Differences.normal(random, ROWS * COLUMNS, 1);
  private final double[] direction = Differences.normal(random, ROWS * COLUMNS, 1);

  @AfterEach
  void close() {
    session.close();
  }

  private static double[] row(double[] x, int row, int columns) {
    double[] out = new double[columns];
    System.arraycopy(x, row * columns, out, 0, columns);
    return out;
  }

  private ToDoubleFunction<double[]> byRows(Function<double[], double[]> f) {
    return all -> IntStream.range(0, ROWS)
        .mapToDouble(r -> Differences.dot(row(direction, r, COLUMNS), f.apply(row(all, r, COLUMNS)))).sum();
  }

  @Test
  void normalization() {
    double[] weight = Differences.normal(random, COLUMNS, 1);
    float epsilon = 0.1f;
    ToDoubleFunction<double[]> f = byRows(row -> {
      double r = 1 / Math.sqrt(Differences.dot(row, row) / COLUMNS + epsilon);
      for (int c = 0; c < COLUMNS; c++) {
        row[c] *= r * weight[c];
      }
      return row;
    });
    Tensor toInput = Tensor.allocate(DType.F32, ROWS, COLUMNS);
    float[] toWeight = Normalization.backward(session, Differences.tensor(x, ROWS), Differences.tensor(weight, 1).toFloats(), epsilon,
        Differences.tensor(direction, ROWS), toInput);
    Differences.assertGradient("x", Differences.gradient(x, f), toInput.toFloats());
    Differences.assertGradient("weight", Differences.gradient(weight, w -> f.applyAsDouble(x)), toWeight);
  }

  @Test
  void gating() {
    double[] up = Differences.normal(random, ROWS * COLUMNS, 1);
    ToDoubleFunction<double[]> f = gate -> IntStream.range(0, gate.length)
        .mapToDouble(i -> direction[i] * gate[i] / (1 + Math.exp(-gate[i])) * up[i]).sum();
    Tensor toGate = Differences.tensor(direction, ROWS);
    Tensor toUp = Tensor.allocate(DType.F32, ROWS, COLUMNS);
    Gating.backward(session, Differences.tensor(x, ROWS), Differences.tensor(up, ROWS), toGate, toGate, toUp);
    Differences.assertGradient("gate", Differences.gradient(x, f), toGate.toFloats());
    Differences.assertGradient("up", Differences.gradient(up, u -> f.applyAsDouble(x)), toUp.toFloats());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void rowEncoding(boolean bidirectional) {
    List<Dynamics> dynamics = dynamics(new TrainingCase.Whole(bidirectional));
    List<ChannelOrder> orders = List.of(order(), order(), order());
    for (boolean ordered : new boolean[] {false, true}) {
      Surrogate surrogate = new Surrogate();
      int[] at = {0};
      ToDoubleFunction<double[]> f = all -> {
        surrogate.rewind();
        at[0] = 0;
        return byRows(row -> {
          ChannelOrder order = orders.get(at[0]++ % orders.size());
          double[] decoded = surrogate.row(row, order, dynamics, null);
          return ordered ? IntStream.of(order.order()).mapToDouble(c -> decoded[c]).toArray() : decoded;
        }).applyAsDouble(all);
      };
      f.applyAsDouble(x);
      Tensor gradient = Tensor.allocate(DType.F32, ROWS, COLUMNS);
      new RowEncoding(null, true, dynamics, orders, ordered)
          .backward(session, Differences.tensor(x, ROWS), Differences.tensor(direction, ROWS), gradient, true);
      Differences.assertGradient("x, ordered " + ordered, Differences.gradient(x, f), gradient.toFloats());
    }
  }

  private static List<Dynamics> dynamics(NeuronModel neuron) {
    return List.of(neuron.dynamics(3, 1), neuron.dynamics(3, 2));
  }

  private ChannelOrder order() {
    boolean[] salient = new boolean[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
      salient[c] = random.nextInt(3) == 0;
    }
    return ChannelOrder.of(salient);
  }

  @Test
  void keyRanges() {
    NeuronModel neuron = new TrainingCase.Whole(false);
    float[] low = new float[COLUMNS];
    float[] high = new float[COLUMNS];
    boolean[] salient = new boolean[COLUMNS];
    double[] scales = new double[COLUMNS];
    for (int c = 0; c < COLUMNS; c++) {
      low[c] = -1.5f * random.nextFloat();
      high[c] = 1.5f * random.nextFloat();
      salient[c] = c % 3 == 0;
      scales[c] = (float) ((0.5 + random.nextDouble()) * (c % 4 == 0 ? -1 : 1));
    }
    Surrogate surrogate = new Surrogate();
    ToDoubleFunction<double[]> f = keys -> {
      surrogate.rewind();
      double sum = 0;
      for (int i = 0; i < keys.length; i++) {
        int c = i % COLUMNS;
        double a = low[c] * scales[c];
        double b = high[c] * scales[c];
        sum += direction[i] * surrogate.fire(keys[i], Math.min(a, b), Math.max(a, b), neuron.dynamics(3, salient[c] ? 2 : 1), null);
      }
      return sum;
    };
    f.applyAsDouble(x);
    KeyRangeEncoding encoding = new KeyRangeEncoding(new KeyValueEncoding(neuron, neuron.dynamics(3, 1), neuron.dynamics(3, 2), true,
        salient, low, high, salient));
    encoding.scale(Differences.tensor(scales, 1).toFloats());
    Tensor gradient = Differences.tensor(direction, ROWS);
    float[] toScales = encoding.backward(session, Differences.tensor(x, ROWS), gradient);
    Differences.assertGradient("keys", Differences.gradient(x, f), gradient.toFloats());
    Differences.assertGradient("scales", Differences.gradient(scales, s -> f.applyAsDouble(x)), toScales);
  }

  /** Two query heads that share one kv head. */
  @Test
  void attention() {
    int dim = 4;
    BlockShape shape = new BlockShape(8, 2, 1, dim, 1, 1e-5f);
    double[] q = Differences.normal(random, ROWS * 2 * dim, 1);
    double[] k = Differences.normal(random, ROWS * dim, 1);
    double[] v = Differences.normal(random, ROWS * dim, 1);
    double[] toOut = Differences.normal(random, ROWS * 2 * dim, 1);
    double[] out = new double[q.length];
    ToDoubleFunction<double[]> f = any -> {
      attend(q, k, v, dim, out);
      return Differences.dot(toOut, out);
    };
    f.applyAsDouble(q);
    Tensor toQueries = Tensor.allocate(DType.F32, ROWS, 2 * dim);
    Tensor toKeys = Tensor.allocate(DType.F32, ROWS, dim);
    Tensor toValues = Tensor.allocate(DType.F32, ROWS, dim);
    try (Arena arena = Arena.ofShared()) {
      new AttentionGradient(session, shape, ROWS, arena).backward(Differences.tensor(q, ROWS), Differences.tensor(k, ROWS),
          Differences.tensor(v, ROWS), Differences.tensor(out, ROWS), Differences.tensor(toOut, ROWS), toQueries, toKeys, toValues);
    }
    Differences.assertGradient("queries", Differences.gradient(q, f), toQueries.toFloats());
    Differences.assertGradient("keys", Differences.gradient(k, f), toKeys.toFloats());
    Differences.assertGradient("values", Differences.gradient(v, f), toValues.toFloats());
  }

  private static void attend(double[] q, double[] k, double[] v, int dim, double[] out) {
    java.util.Arrays.fill(out, 0);
    for (int row = 0; row < 2 * ROWS; row++) {
      double sum = 0;
      for (int u = 0; u <= row / 2; u++) {
        double e = Math.exp(Differences.dot(row(q, row, dim), row(k, u, dim)) / Math.sqrt(dim));
        sum += e;
        for (int c = 0; c < dim; c++) {
          out[row * dim + c] += e * v[u * dim + c];
        }
      }
      for (int c = 0; c < dim; c++) {
        out[row * dim + c] /= sum;
      }
    }
  }
}
