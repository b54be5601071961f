package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

class RowKernelsTest {

  private static final int[] SIZES = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255, 1021};

  @Test
  void expIsWithinTwoUnitsOverTheWholeRange() {
    float[] in = new float[Lanes.COUNT];
    float[] out = new float[Lanes.COUNT];
    double worst = 0;
    for (double x = -87.3; x < 88.7; x += 0.000173) {
      Arrays.fill(in, (float) x);
      VectorExp.exp(FloatVector.fromArray(Lanes.FLOATS, in, 0)).intoArray(out, 0);
      double exact = Math.exp((float) x);
      worst = Math.max(worst, Math.abs(out[0] - exact) / exact);
    }
    assertTrue(worst <= 0x1p-22, "largest relative error " + worst * 0x1p24 + " · 2^-24");
  }

  @Test
  void expGoesToTheEndsOfFloat() {
    float[] in = new float[Lanes.COUNT];
    float[] special = {Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, 0f, -1000f, 1000f, -95f, -103f};
    for (float x : special) {
      Arrays.fill(in, x);
      float found = VectorExp.exp(FloatVector.fromArray(Lanes.FLOATS, in, 0)).lane(0);
      float expected = (float) Math.exp(x);
      if (Float.isInfinite(expected)) {
        assertEquals(expected, found, "exp(" + x + ")");
        continue;
      }
      assertEquals(expected, found, 2 * Float.MIN_VALUE + Math.abs(expected) * 0x1p-22f, "exp(" + x + ")");
    }
    assertTrue(Float.isNaN(VectorExp.exp(FloatVector.broadcast(Lanes.FLOATS, Float.NaN)).lane(0)));
  }

  @Test
  void normAndRotationAgreeWithDouble() {
    Random random = seeded();
    for (int columns : SIZES) {
      Tensor x = random(random, 3, columns);
      Tensor weight = random(random, 1, columns);
      Guarded out = Guarded.of(DType.F32, 3, columns);
      try (Session session = new SimdSession(2, SimdSession.Kernels.VECTOR)) {
        session.rmsNorm(x, weight, 1e-5f, out.tensor());
      }
      out.check("norm");
      for (int t = 0; t < 3; t++) {
        double sum = 0;
        for (int c = 0; c < columns; c++) {
          sum += (double) x.getFloat(t, c) * x.getFloat(t, c);
        }
        for (int c = 0; c < columns; c++) {
          double expected = x.getFloat(t, c) / Math.sqrt(sum / columns + 1e-5f) * weight.getFloat(0, c);
          // Three roundings: the inverse and two products.
          assertEquals(expected, out.tensor().getFloat(t, c), 4 * 0x1p-24 * Math.abs(expected), "norm of " + columns);
        }
      }
    }
    for (int headDim : new int[] {2, 6, 16, 18, 64, 80, 128}) {
      rotation(random, headDim);
    }
  }

  private static void rotation(Random random, int headDim) {
    Tensor x = random(random, 5, 3 * headDim);
    Tensor table = random(random, 9, headDim);
    float[] before = x.toFloats();
    Guarded out = Guarded.of(5, 3 * headDim, before);
    try (Session session = new SimdSession(2, SimdSession.Kernels.VECTOR)) {
      session.rope(out.tensor(), headDim, table, 4);
    }
    out.check("rope");
    for (int t = 0; t < 5; t++) {
      for (int h = 0; h < 3; h++) {
        for (int i = 0; i < headDim / 2; i++) {
          float a = x.getFloat(t, h * headDim + i);
          float b = x.getFloat(t, h * headDim + headDim / 2 + i);
          double cos = table.getFloat(4 + t, i);
          double sin = table.getFloat(4 + t, headDim / 2 + i);
          double tolerance = 3 * 0x1p-24 * (Math.abs(a) + Math.abs(b)) * (Math.abs(cos) + Math.abs(sin));
          assertEquals(a * cos - b * sin, out.tensor().getFloat(t, h * headDim + i), tolerance, "rope of " + headDim);
          assertEquals(b * cos + a * sin, out.tensor().getFloat(t, h * headDim + headDim / 2 + i), tolerance,
              "rope of " + headDim);
        }
      }
    }
  }

  @Test
  void softmaxAndSwiGluAgreeWithDouble() {
    Random random = seeded();
    for (int columns : SIZES) {
      Tensor x = random(random, 4, columns);
      Guarded out = Guarded.of(4, columns, x.toFloats());
      Tensor up = random(random, 4, columns);
      Guarded gated = Guarded.of(DType.F32, 4, columns);
      try (Session session = new SimdSession(3, SimdSession.Kernels.VECTOR)) {
        session.softmax(out.tensor());
        session.swiGlu(x, up, gated.tensor());
      }
      out.check("softmax");
      gated.check("swiGlu");
      for (int t = 0; t < 4; t++) {
        double sum = 0;
        for (int c = 0; c < columns; c++) {
          sum += Math.exp(x.getFloat(t, c));
        }
        for (int c = 0; c < columns; c++) {
          double value = x.getFloat(t, c);
          double expected = Math.exp(value) / sum;
          // exp 4 units, the difference to the maximum up to |x| units of the exponent, the sum one a term, the factor two.
          assertEquals(expected, out.tensor().getFloat(t, c), (columns + 40) * 0x1p-24 * expected, "softmax of " + columns);
          double gate = value / (1 + Math.exp(-value)) * up.getFloat(t, c);
          assertEquals(gate, gated.tensor().getFloat(t, c), 8 * 0x1p-24 * Math.abs(gate), "swiGlu of " + columns);
        }
      }
    }
  }

  @Test
  void swiGluMayWriteOverItsInputs() {
    Random random = seeded();
    Tensor gate = random(random, 2, 33);
    Tensor up = random(random, 2, 33);
    Tensor out = Tensor.allocate(DType.F32, 2, 33);
    try (Session session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      session.swiGlu(gate, up, out);
      Tensor copy = up.toF32();
      session.swiGlu(gate, copy, copy);
      assertArrayEquals(out.toFloats(), copy.toFloats());
      session.swiGlu(gate, up, gate);
      assertArrayEquals(out.toFloats(), gate.toFloats());
    }
  }

  private static Tensor random(Random random, int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) (3 * random.nextGaussian()));
      }
    }
    return x;
  }

  private static Random seeded() {
    long seed = Long.getLong("spikellm.seed", 20260729L);
    System.out.println("seed " + seed);
    return new Random(seed);
  }
}
