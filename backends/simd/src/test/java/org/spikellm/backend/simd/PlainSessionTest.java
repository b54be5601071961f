package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Random;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A session takes up its vector kernels while it runs: those without vectors must give the same bits. */
class PlainSessionTest {

  private static final int[] SIZES = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255, 1021};

  private final Random random = new Random(20261126);
  private final Session plain = new SimdSession(2, SimdSession.Kernels.PLAIN);
  private final Session vector = new SimdSession(2, SimdSession.Kernels.VECTOR);

  @AfterEach
  void close() {
    plain.close();
    vector.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void matmul(DType type) {
    for (int depth : SIZES) {
      for (int rows : new int[] {1, 3, 4, 9}) {
        Tensor a = random(DType.F32, rows, depth);
        Tensor b = random(type, 70, depth);
        same(rows, 70, (session, out) -> session.matmul(a, b, out), type + " " + rows + " x " + depth);
      }
    }
  }

  @Test
  void rows() {
    for (int columns : SIZES) {
      Tensor x = random(DType.F32, 3, columns);
      Tensor y = random(DType.F32, 3, columns);
      Tensor weight = random(DType.F32, 1, columns);
      Tensor table = random(DType.F32, 8, 2 * columns);
      Tensor heads = random(DType.F32, 3, 4 * columns);
      same(3, columns, (session, out) -> session.rmsNorm(x, weight, 1e-5f, out), "norm of " + columns);
      same(3, columns, (session, out) -> session.swiGlu(x, y, out), "swiGlu of " + columns);
      same(3, columns, (session, out) -> {
        out.segment().copyFrom(x.segment());
        session.softmax(out);
      }, "softmax of " + columns);
      same(3, 4 * columns, (session, out) -> {
        out.segment().copyFrom(heads.segment());
        session.rope(out, 2 * columns, table, 5);
      }, "rope of " + columns);
    }
  }

  @Test
  void gatesOfAnySize() {
    Tensor gate = Tensor.of(1, new float[] {0, -0f, 1e-40f, 5, -5, 88, -88, 104, -104, 1e5f, -1e5f, 0.5f, Float.MAX_VALUE,
        -Float.MAX_VALUE, Float.NaN, 17});
    Tensor up = random(DType.F32, 1, 16);
    same(1, 16, (session, out) -> session.swiGlu(gate, up, out), "gates");
  }

  @Test
  void attention() {
    for (int headDim : new int[] {1, 2, 15, 16, 17, 32, 48, 64, 80, 128}) {
      for (int length : new int[] {1, 5, 64, 70}) {
        for (boolean spiking : new boolean[] {false, true}) {
          KeyValues cache = KeyValues.allocate(2, headDim, length + 3, spiking ? encoding(2 * headDim) : null);
          cache.append(random(DType.F32, length, 2 * headDim), random(DType.F32, length, 2 * headDim), 0);
          Tensor queries = random(DType.F32, length, 4 * headDim);
          same(length, 4 * headDim, (session, out) -> session.attention(queries, cache, 0, out), headDim + " channels, " + length + " positions");
        }
      }
    }
  }

  private KeyValueEncoding encoding(int channels) {
    Levels neuron = new Levels();
    boolean[] salient = new boolean[channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      salient[c] = random.nextInt(5) == 0;
      low[c] = -2 - random.nextFloat();
      high[c] = 2 + random.nextFloat();
    }
    return new KeyValueEncoding(neuron, neuron.dynamics(4, 1), neuron.dynamics(4, 2), true, salient, low, high, salient);
  }

  private void same(int rows, int columns, BiConsumer<Session, Tensor> kernel, String what) {
    Tensor expected = Tensor.allocate(DType.F32, rows, columns);
    Tensor found = Tensor.allocate(DType.F32, rows, columns);
    kernel.accept(vector, expected);
    kernel.accept(plain, found);
    assertArrayEquals(expected.toFloats(), found.toFloats(), what);
  }

  private Tensor random(DType type, int rows, int columns) {
    Tensor x = Tensor.allocate(type, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian() * (random.nextInt(9) == 0 ? 1e-6f : 3));
      }
    }
    return x;
  }
}
