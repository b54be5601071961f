package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.Collections;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

class PlaneLinearTest {

  private static final long SEED = 20261127;

  @BeforeEach
  void needsVectors() {
    assumeTrue(Lanes.PICKS_BYTES, TernaryLinearTest.NO_TABLES);
  }

  /** Counts 0..2^bits − 1 for all channels of a weight. */
  private static Encoding counts(QuantizedWeight weight, int bits) {
    Dynamics dynamics = new Dynamics(1, 1, 0, (1 << bits) - 1, 1);
    return new Encoding(new Levels(), weight.order(), Collections.nCopies(weight.classes().size(), dynamics), true);
  }

  private static QuantizedWeight spikes(SplittableRandom random, int rows, int widest, boolean even, int... columns) {
    int[] ones = new int[columns.length];
    Arrays.fill(ones, 1);
    return TernaryLinearTest.weight(random, rows, ones, columns, widest, even, DType.F16);
  }

  /** Rows around vectors and blocks; groups of part of a chunk, of one and of several; one class and more, one of them empty. */
  @ParameterizedTest
  @CsvSource({"1, 1, 128, 1, 0", "15, 2, 128, 2, 0", "17, 3, 60, 3, -2", "33, 7, 129, 4, 9", "65, 9, 1021, 1, 1", "127, 33, 128, 8, 200",
      "1153, 2, 300, 2, 3", "1153, 1, 128, 4, 8", "40, 70, 128, 5, 31", "5, 1, 1, 2, 1"})
  void countsGiveTheContractsSumOnAnyNumberOfThreads(int rows, int tokens, int widest, int bits, int zero) {
    SplittableRandom random = new SplittableRandom(SEED + rows);
    QuantizedWeight weight = spikes(random, rows, widest, rows % 2 == 0, 1021, 0, 129, 31);
    Tensor before = TernaryLinearTest.normal(random, tokens, rows);
    SpikeTrain x = TernaryLinearTest.train(random, weight, tokens, -1, (1 << bits) - 2, zero);
    float[] expected = TernaryLinearTest.expected(weight, x, before);
    for (int threads = 1; threads <= 3; threads++) {
      for (SimdSession.Kernels kernels : new SimdSession.Kernels[] {SimdSession.Kernels.VECTOR, SimdSession.Kernels.PLAIN}) {
        try (SimdSession session = new SimdSession(threads, kernels)) {
          Tensor out = before.toF32();
          new PlaneLinear(weight, session).accumulate(x, out);
          assertArrayEquals(expected, out.toFloats(), "seed " + SEED + ", " + kernels + ", threads " + threads);
          assertTrue(session.planes().read(PlaneCodes.of(weight, session), x, session, false), "looked up in tables");
        }
      }
    }
  }

  /** What bits are not for: floats, counts of more bits, and zero points with which sums are no floats. */
  @Test
  void whatElseComesIsLookedUpAndGivesTheSameBytesAsTables() {
    SplittableRandom random = new SplittableRandom(SEED);
    QuantizedWeight weight = spikes(random, 70, 300, false, 1021, 129);
    Tensor before = TernaryLinearTest.normal(random, 3, 70);
    try (SimdSession session = new SimdSession(2, SimdSession.Kernels.VECTOR)) {
      SpikingLinear planes = new PlaneLinear(weight, session);
      SpikingLinear tables = new TernaryLinear(weight, session, true);
      Tensor floats = TernaryLinearTest.normal(random, 3, 1150);
      Tensor expected = before.toF32();
      Tensor out = before.toF32();
      tables.accumulate(floats, expected);
      planes.accumulate(floats, out);
      assertArrayEquals(expected.toFloats(), out.toFloats());
      for (SpikeTrain x : new SpikeTrain[] {TernaryLinearTest.train(random, weight, 3, 0, 256, 3),
          TernaryLinearTest.train(random, weight, 3, 0, 3, 20_000)}) {
        assertFalse(session.planes().read(PlaneCodes.of(weight, session), x, session, false));
        out = before.toF32();
        planes.accumulate(x, out);
        assertArrayEquals(TernaryLinearTest.expected(weight, x, before), out.toFloats());
      }
    }
  }

  /** The largest sums that bits are exact for, all of one sign, and of the zero point alone. */
  @ParameterizedTest
  @ValueSource(ints = {0, 80, -80})
  void sumsAreExactAtTheEndsOfTheirRange(int zero) {
    SplittableRandom random = new SplittableRandom(SEED);
    int columns = 49_931;   // 336 · 49,931 is just below 2^24
    QuantizedWeight weight = spikes(random, 3, columns, true, columns);
    CodeClass ofAll = weight.classes().getFirst();
    for (int row = 0; row < 2; row++) {
      Tensor codes = ofAll.codes().rows(row, row + 1);
      for (int i = 0; i < codes.columns(); i++) {
        codes.setInt(0, i, row == 0 ? 0xaa : 0);
      }
    }
    SpikeTrain x = TernaryLinearTest.train(random, weight, 2, 0, 255, zero);
    for (int j = 1; j < columns; j++) {
      x.planes().getFirst().setInt(0, j, 255);
    }
    x.planes().getFirst().setInt(0, 0, 0);
    Tensor before = TernaryLinearTest.normal(random, 2, 3);
    try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      Tensor out = before.toF32();
      new PlaneLinear(weight, session).accumulate(x, out);
      assertTrue(session.planes().read(PlaneCodes.of(weight, session), x, session, false), "looked up in tables");
      assertArrayEquals(TernaryLinearTest.expected(weight, x, before), out.toFloats());
    }
  }

  @Test
  void bitsAreForSpikesOfOneStepInFullGroupsAndCountsOfFewBits() {
    SplittableRandom random = new SplittableRandom(SEED);
    QuantizedWeight weight = spikes(random, 3, 128, true, 1024);
    assertTrue(PlaneCodes.suit(weight, counts(weight, 5)));
    assertFalse(PlaneCodes.suit(weight, counts(weight, 6)));
    assertFalse(PlaneCodes.suit(weight, null));
    QuantizedWeight thin = spikes(random, 3, 32, true, 1024);
    assertFalse(PlaneCodes.suit(thin, counts(thin, 2)), "groups that fill a fourth of a chunk");
    QuantizedWeight steps = TernaryLinearTest.weight(random, 3, new int[] {1, 2}, new int[] {896, 128}, 128, true, DType.F16);
    assertFalse(PlaneCodes.suit(steps, counts(steps, 2)), "a class of two steps");
    QuantizedWeight floats = TernaryLinearTest.weight(random, 3, new int[] {1}, new int[] {1024}, 128, true, DType.F32);
    assertFalse(PlaneCodes.suit(floats, counts(floats, 2)), "scales in F32");
    try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      assertInstanceOf(PlaneLinear.class, session.prepare(weight, counts(weight, 4)));
      assertInstanceOf(TernaryLinear.class, session.prepare(weight, counts(weight, 8)));
      assertInstanceOf(TernaryLinear.class, session.prepare(weight));
      double bits = 8.0 * PlaneCodes.of(spikes(random, 32, 128, true, 1024), session).memory.byteSize() / (32 * 1024);
      assertEquals(2.125, bits);
    }
  }
}
