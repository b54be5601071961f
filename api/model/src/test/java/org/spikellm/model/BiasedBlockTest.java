package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/**
 * A block with a bias on every projection, on one token, against the sums written out in double. At position 0 RoPE turns nothing
 * and attention has one key, so a head's output is the value of its key/value head.
 */
class BiasedBlockTest {

  private static final long SEED = 11;
  private static final BlockShape SHAPE = new BlockShape(8, 2, 1, 4, 6, 1e-5f);
  /** Chained sums of at most 9 terms of about 1: far above their float errors of 9 · 2⁻²⁴ a stage, far below a bias. */
  private static final double TOLERANCE = 1e-5;

  private final Random random = new Random(SEED);
  private final Map<Projection, float[]> weights = new EnumMap<>(Projection.class);
  private final Map<Projection, float[]> biases = new EnumMap<>(Projection.class);

  private float[] draw(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = random.nextFloat() - 0.5f;
    }
    return values;
  }

  private double[] linear(Projection projection, double[] x) {
    double[] y = new double[SHAPE.rows(projection)];
    for (int r = 0; r < y.length; r++) {
      y[r] = biases.get(projection)[r];
      for (int c = 0; c < x.length; c++) {
        y[r] += weights.get(projection)[r * x.length + c] * x[c];
      }
    }
    return y;
  }

  private static double[] norm(double[] x, float[] weight) {
    double square = 0;
    for (double value : x) {
      square += value * value / x.length;
    }
    double[] y = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      y[i] = weight[i] * x[i] / Math.sqrt(square + SHAPE.epsilon());
    }
    return y;
  }

  @Test
  void everyBiasIsInTheSum() {
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection p : Projection.values()) {
      weights.put(p, draw(SHAPE.rows(p) * SHAPE.columns(p)));
      biases.put(p, draw(SHAPE.rows(p)));
      DenseWeight weight = new DenseWeight(Tensor.of(SHAPE.rows(p), weights.get(p)));
      linears.put(p, new Block.Linear(weight, Tensor.of(1, biases.get(p)), null));
    }
    float[] attentionNorm = draw(8);
    float[] mlpNorm = draw(8);
    float[] input = draw(8);
    Tensor x = Tensor.of(1, input);
    double[][] seen = new double[2][];
    try (Session session = new ReferenceBackend().open(1)) {
      Block data = new Block(SHAPE, linears, Tensor.of(1, attentionNorm), Tensor.of(1, mlpNorm), null);
      PreparedBlock block = new PreparedBlock(session, data, SpikeMode.COLLAPSED);
      block.forward(x, block.cache(1), 0, RopeScaling.plain(1e4).table(1, 4), new Workspace(SHAPE, 1), new BlockObserver() {
        @Override
        public void input(Projection.Source source, Tensor t) {}

        @Override
        public void attention(Tensor queries, Tensor keys, Tensor out) {
          seen[0] = doubles(queries);
          seen[1] = doubles(keys);
        }
      }, LinearObserver.NONE);
    }
    double[] residual = doubles(Tensor.of(1, input));
    double[] normed = norm(residual, attentionNorm);
    near(linear(Projection.Q, normed), seen[0], "queries");
    near(linear(Projection.K, normed), seen[1], "keys");
    double[] value = linear(Projection.V, normed);
    double[] heads = new double[8];
    for (int i = 0; i < heads.length; i++) {
      heads[i] = value[i % 4];
    }
    add(residual, linear(Projection.O, heads));
    double[] mlp = norm(residual, mlpNorm);
    double[] gate = linear(Projection.GATE, mlp);
    double[] up = linear(Projection.UP, mlp);
    for (int i = 0; i < gate.length; i++) {
      gate[i] = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
    }
    add(residual, linear(Projection.DOWN, gate));
    near(residual, doubles(x), "output");
  }

  private static double[] doubles(Tensor row) {
    float[] values = row.toFloats();
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
  }

  private static void add(double[] x, double[] y) {
    for (int i = 0; i < x.length; i++) {
      x[i] += y[i];
    }
  }

  private static void near(double[] expected, double[] found, String what) {
    assertEquals(expected.length, found.length);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], found[i], TOLERANCE, what + " " + i + ", seed " + SEED);
    }
  }
}
