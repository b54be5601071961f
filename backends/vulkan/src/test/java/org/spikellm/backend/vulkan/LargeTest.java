package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** Tensors that pass to the device in parts; small integers, so that floats add them exactly. */
class LargeTest {

  private static Tensor integers(Random random, DType type, int rows, int columns) {
    Tensor x = Tensor.allocate(type, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, random.nextInt(-3, 4));
      }
    }
    return x;
  }

  @Test
  void rightFactorOfSeveralSlabs() {
    Random random = new Random(1);
    int columns = 1_021;
    int rows = (64 << 20) / 2 / columns + 777;
    Tensor a = integers(random, DType.F32, 7, columns);
    Tensor b = integers(random, DType.BF16, rows, columns);
    Tensor out = Tensor.allocate(DType.F32, 7, rows);
    Tensor first = Tensor.allocate(DType.F32, 1, rows);
    try (Session session = Sessions.open(Map.of())) {
      session.matmul(a, b, out);
      session.matmul(a.rows(0, 1), b, first);
    }
    float[][] left = new float[7][columns];
    for (int i = 0; i < 7; i++) {
      a.readRow(i, left[i]);
    }
    float[] one = new float[columns];
    for (int j = 0; j < rows; j++) {
      b.readRow(j, one);
      for (int i = 0; i < 7; i++) {
        float expected = 0;
        for (int k = 0; k < columns; k++) {
          expected += left[i][k] * one[k];
        }
        assertEquals(expected, out.getFloat(i, j), "row " + i + ", column " + j);
        if (i == 0) {
          assertEquals(expected, first.getFloat(0, j), "alone, column " + j);
        }
      }
    }
  }

  @Test
  void inputsOfSeveralTurns() {
    sums(300, 40);
  }

  @Test
  void weightOfSeveralTurns() {
    sums(2, 3_000);
  }

  /** Weights of 1 and of 15, so that an output is a sum of inputs. */
  private static void sums(int tokens, int rows) {
    Random random = new Random(2);
    int columns = 17_000;
    int plain = 16_896;
    ChannelOrder order = new ChannelOrder(ChannelOrder.identity(columns).order(), new int[] {0, plain});
    List<CodeClass> classes = List.of(ones(rows, plain, 1), ones(rows, columns - plain, 4));
    Tensor stored = Tensor.allocate(DType.I8, tokens, columns);
    Tensor thetas = Tensor.allocate(DType.F32, tokens, 2);
    Tensor floats = Tensor.allocate(DType.F32, tokens, columns);
    double[] sums = new double[tokens];
    for (int t = 0; t < tokens; t++) {
      thetas.setFloat(t, 0, 1);
      thetas.setFloat(t, 1, 1);
      for (int c = 0; c < columns; c++) {
        int count = random.nextInt(-5, 6);
        stored.setInt(t, c, count);
        floats.setFloat(t, c, count);
        sums[t] += count * (c < plain ? 1 : 15);
      }
    }
    Tensor out = Tensor.allocate(DType.F32, tokens, rows);
    Tensor outOfFloats = Tensor.allocate(DType.F32, tokens, rows);
    try (Session session = Sessions.open(Map.of())) {
      var linear = session.prepare(new QuantizedWeight(rows, order, classes));
      linear.accumulate(new SpikeTrain(order, List.of(stored), thetas, Tensor.allocate(DType.I32, tokens, 2), 0), out);
      linear.accumulate(floats, outOfFloats);
    }
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < rows; r++) {
        assertEquals(sums[t], out.getFloat(t, r), "token " + t + ", row " + r);
        assertEquals(sums[t], outOfFloats.getFloat(t, r), "floats, token " + t + ", row " + r);
      }
    }
  }

  /** Codes with all their bits set, scales of 1, zero points of 0. */
  private static CodeClass ones(int rows, int columns, int bits) {
    Tensor codes = Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits));
    for (int r = 0; r < rows; r++) {
      codes.rows(r, r + 1).segment().asSlice(0, (long) columns * bits / 8).fill((byte) -1);
    }
    Tensor scales = Tensor.allocate(DType.F32, rows, 1);
    for (int r = 0; r < rows; r++) {
      scales.setFloat(r, 0, 1);
    }
    return new CodeClass(columns, bits, 0, new int[] {columns}, codes, scales, Tensor.allocate(DType.I16, rows, 1));
  }
}
