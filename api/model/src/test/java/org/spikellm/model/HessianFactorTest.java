package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** The factor of a Hessian, held to what defines it. */
class HessianFactorTest {

  /** XᵀX of {@code tokens} random tokens; channel {@code dead} is always 0. */
  private static Tensor gram(int n, int tokens, int dead, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] h = new double[n][n];
    for (int t = 0; t < tokens; t++) {
      double[] x = new double[n];
      for (int j = 0; j < n; j++) {
        x[j] = j == dead ? 0 : random.nextGaussian();
      }
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          h[i][j] += x[i] * x[j];
        }
      }
    }
    Tensor gram = Tensor.allocate(DType.F32, n, n);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        gram.setFloat(i, j, (float) h[i][j]);
      }
    }
    return gram;
  }

  /** Sizes around the blocks of 256 that it works in. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 31, 255, 256, 257, 511, 600})
  @DisplayName("U is upper triangular and U H Uᵀ = 1, H damped and with 1 for the dead channel")
  void definition(int n) {
    int dead = n > 2 ? n / 3 : -1;
    Tensor h = gram(n, 2 * n, dead, n);
    double mean = 0;
    for (int j = 0; j < n; j++) {
      mean += (j == dead ? 1 : h.getFloat(j, j)) / n;
    }
    double[][] damped = new double[n][n];
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) {
        damped[i][j] = h.getFloat(i, j) + (i == j ? 0.01 * mean + (i == dead ? 1 : 0) : 0);
      }
    }
    try (Session session = new ReferenceBackend().open(2); Arena arena = Arena.ofShared()) {
      HessianFactor factor = HessianFactor.of(h, 0.01, session, attempt -> { throw new AssertionError("damped again"); }).invert();
      float[][] u = factor.block(0, n);
      int half = n / 2;
      Tensor after = half == 0 ? null : factor.after(arena, 0, half);
      double[][] product = new double[n][n];
      for (int i = 0; i < n; i++) {
        assertEquals(u[i][i], factor.diagonal(i), 1e-6 * u[i][i]);
        assertEquals(i == dead, factor.isDead(i));
        for (int k = i; k < n; k++) {
          for (int j = 0; j < n; j++) {
            product[i][j] += u[i][k] * damped[k][j];
          }
          if (i < half && k >= half) {
            assertEquals(u[i][k], after.getFloat(k - half, i), "U[" + i + ", " + k + "]");
          }
        }
      }
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
          double sum = 0;
          for (int k = j; k < n; k++) {
            sum += product[i][k] * u[j][k];
          }
          // Sums of up to n floats, and a condition number below 1e3: n · 2⁻²⁴ · 1e3 is 0.04 at the largest n, and never near that.
          assertEquals(i == j ? 1 : 0, sum, 2e-3, "U H Uᵀ at " + i + ", " + j);
        }
      }
    }
  }

  @Test
  @DisplayName("a Hessian that is not positive definite is damped ten times more, twice")
  void dampedAgain() {
    int n = 40;
    Tensor h = gram(n, 2 * n, -1, 3);
    float mean = 0;
    for (int j = 0; j < n; j++) {
      mean += h.getFloat(j, j) / n;
    }
    // Eigenvalue of about −0.5 of the mean along one channel: 0.01 and 0.1 do not help, 1 does.
    for (int j = 0; j < n; j++) {
      h.setFloat(7, j, 0);
      h.setFloat(j, 7, 0);
    }
    h.setFloat(7, 7, -0.5f * mean);
    List<Integer> tries = new ArrayList<>();
    try (Session session = new ReferenceBackend().open(1)) {
      HessianFactor factor = HessianFactor.of(h, 0.01, session, tries::add).invert();
      assertEquals(List.of(2, 3), tries);
      assertTrue(factor.diagonal(7) > 0 && Double.isFinite(factor.diagonal(7)));
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {-5, Float.NaN, Float.POSITIVE_INFINITY})
  @DisplayName("what is not positive definite even then is refused")
  void refused(float value) {
    int n = 20;
    Tensor h = gram(n, 2 * n, -1, 5);
    h.setFloat(7, 7, value * h.getFloat(7, 7));
    List<Integer> tries = new ArrayList<>();
    try (Session session = new ReferenceBackend().open(1)) {
      IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> HessianFactor.of(h, 0.01, session, tries::add));
      assertTrue(e.getMessage().contains("not positive definite") && e.getMessage().contains("calibration samples"), e.getMessage());
      assertEquals(List.of(2, 3), tries);
    }
  }
}
