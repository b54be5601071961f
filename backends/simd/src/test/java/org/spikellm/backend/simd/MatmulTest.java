package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Against sums in double, within (k + 1) · 2⁻²⁴ · Σ|a · b|, the bound of any order of summation in float. */
class MatmulTest {

  private static final int[] SIZES = {1, 3, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255};
  private static final int[] DEPTHS = {1, 3, 8, 17, 31, 33, 255, 256, 257, 1021, 2049};

  @ParameterizedTest
  @EnumSource(value = DType.class, names = {"F32", "F16", "BF16"})
  void raggedShapesAreWithinRounding(DType type) {
    long seed = Long.getLong("spikellm.seed", 20260729L);
    System.out.println("seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 40; i++) {
      int m = SIZES[random.nextInt(SIZES.length)];
      int n = SIZES[random.nextInt(SIZES.length)];
      int k = DEPTHS[random.nextInt(DEPTHS.length)];
      check(random, type, m, n, k);
    }
  }

  private static void check(Random random, DType type, int m, int n, int k) {
    Tensor a = Tensor.allocate(DType.F32, m, k);
    Guarded b = Guarded.of(type, n, k);
    for (int j = 0; j < k; j++) {
      for (int r = 0; r < m; r++) {
        a.setFloat(r, j, (float) random.nextGaussian());
      }
      for (int r = 0; r < n; r++) {
        // Halves of every size, subnormal ones too.
        b.tensor().setFloat(r, j, (float) (random.nextGaussian() * Math.pow(2, -random.nextInt(20))));
      }
    }
    float[] first = null;
    for (int threads = 1; threads <= 3; threads++) {
      Guarded out = Guarded.of(DType.F32, m, n);
      try (Session session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
        session.matmul(a, b.tensor(), out.tensor());
      }
      String what = m + "x" + n + "x" + k + " " + type + " threads " + threads;
      out.check(what);
      if (first == null) {
        first = out.tensor().toFloats();
        compare(a, b.tensor(), out.tensor(), what);
      }
      assertArrayEquals(first, out.tensor().toFloats(), what);
    }
  }

  private static void compare(Tensor a, Tensor b, Tensor out, String what) {
    for (int i = 0; i < a.rows(); i++) {
      for (int j = 0; j < b.rows(); j++) {
        double sum = 0;
        double magnitude = 0;
        for (int k = 0; k < a.columns(); k++) {
          double term = (double) a.getFloat(i, k) * b.getFloat(j, k);
          sum += term;
          magnitude += Math.abs(term);
        }
        assertEquals(sum, out.getFloat(i, j), (a.columns() + 1) * 0x1p-24 * magnitude, what + " at " + i + ", " + j);
      }
    }
  }

  @Test
  void halvesAreConvertedExactlyForEveryBitPattern() {
    for (DType type : new DType[] {DType.F16, DType.BF16}) {
      Tensor b = Tensor.allocate(type, 1 << 16, 1);
      for (int bits = 0; bits < 1 << 16; bits++) {
        b.segment().set(Tensor.SHORT, 2L * bits, (short) bits);
      }
      for (int m : new int[] {1, 7}) {
        Tensor a = Tensor.allocate(DType.F32, m, 1);
        for (int i = 0; i < m; i++) {
          a.setFloat(i, 0, 1);
        }
        Tensor out = Tensor.allocate(DType.F32, m, 1 << 16);
        try (Session session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
          session.matmul(a, b, out);
        }
        for (int bits = 0; bits < 1 << 16; bits++) {
          // A sum that starts at +0 turns −0 into +0.
          assertEquals(b.getFloat(bits, 0) + 0f, out.getFloat(m - 1, bits) + 0f, 0f, type + " " + Integer.toHexString(bits));
        }
      }
    }
  }

  @Test
  void emptyFactorsGiveZeros() {
    Guarded out = Guarded.of(DType.F32, 3, 4);
    try (Session session = new SimdSession(2, SimdSession.Kernels.VECTOR)) {
      session.matmul(Tensor.allocate(DType.F32, 3, 0), Tensor.allocate(DType.F32, 4, 0), out.tensor());
      session.matmul(Tensor.allocate(DType.F32, 0, 5), Tensor.allocate(DType.F32, 4, 5), Tensor.allocate(DType.F32, 0, 4));
    }
    assertArrayEquals(new float[12], out.tensor().toFloats());
    out.check("empty");
  }

  @Test
  void shapesThatDoNotFitAreRefused() {
    try (Session session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      assertThrows(IllegalArgumentException.class, () -> session.matmul(Tensor.allocate(DType.F32, 3, 4),
          Tensor.allocate(DType.F32, 5, 6), Tensor.allocate(DType.F32, 3, 5)));
    }
  }
}
