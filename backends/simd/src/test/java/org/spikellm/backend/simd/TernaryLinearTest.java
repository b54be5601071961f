package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

class TernaryLinearTest {

  private static final long SEED = 20260801;

  static final String NO_TABLES = "the form with tables needs AVX-512 with VBMI";

  /** Columns of each count N, in groups of up to {@code widest} columns; of one width where {@code even}. */
  static QuantizedWeight weight(SplittableRandom random, int rows, int[] mosts, int[] columns, int widest, boolean even,
      DType scaleType) {
    int[] starts = new int[mosts.length];
    int place = 0;
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < mosts.length; c++) {
      starts[c] = place;
      place += columns[c];
      IntStream.Builder ends = IntStream.builder();
      for (int end = 0; end < columns[c]; ends.add(end)) {
        end += even ? Math.min(widest, columns[c] - end) : random.nextInt(1, Math.min(widest, columns[c] - end) + 1);
      }
      int[] groupEnds = ends.build().toArray();
      int bits = Integer.SIZE - Integer.numberOfLeadingZeros(2 * mosts[c]);
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, mosts[c]);
      CodeClass trains = new CodeClass(columns[c], bits, 1, groupEnds,
          Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns[c], bits)), Tensor.allocate(scaleType, rows, groupEnds.length), zero);
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < columns[c]; j++) {
          trains.setCode(r, j, random.nextInt(2 * mosts[c] + 1));
        }
        for (int g = 0; g < groupEnds.length; g++) {
          trains.scales().setFloat(r, g, (float) random.nextDouble(-0.1, 0.1));
        }
      }
      classes.add(trains);
    }
    int[] order = IntStream.range(0, place).toArray();
    for (int i = place - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = order[i];
      order[i] = order[j];
      order[j] = other;
    }
    return new QuantizedWeight(rows, new ChannelOrder(order, starts), classes);
  }

  static SpikeTrain train(SplittableRandom random, QuantizedWeight weight, int tokens, int low, int high, int zero) {
    Tensor counts = Tensor.allocate(DType.I16, tokens, weight.columns());
    Tensor thetas = Tensor.allocate(DType.F32, tokens, weight.order().classes());
    Tensor zeros = Tensor.allocate(DType.I32, tokens, weight.order().classes());
    for (int t = 0; t < tokens; t++) {
      for (int j = 0; j < weight.columns(); j++) {
        counts.setInt(t, j, random.nextInt(low, high + 1));
      }
      for (int c = 0; c < thetas.columns(); c++) {
        thetas.setFloat(t, c, (float) random.nextDouble(0.01, 3));
        zeros.setInt(t, c, zero);
      }
    }
    return new SpikeTrain(weight.order(), List.of(counts), thetas, zeros, 0);
  }

  static Tensor normal(SplittableRandom random, int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  private static float[] product(QuantizedWeight weight, SpikeTrain x, Tensor before, int threads) {
    Tensor out = before.toF32();
    try (SimdSession session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
      session.prepare(weight).accumulate(x, out);
    }
    return out.toFloats();
  }

  private static float[] product(QuantizedWeight weight, Tensor x, Tensor before, int threads) {
    Tensor out = before.toF32();
    try (SimdSession session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
      session.prepare(weight).accumulate(x, out);
    }
    return out.toFloats();
  }

  /** The contract's bound for k columns in g groups: (k + g + 4) · 2⁻²⁴ · (|before| + Σ |x| (code + zero) |scale|). */
  private static void assertWithinBound(QuantizedWeight weight, Tensor x, Tensor before, float[] found) {
    int groups = weight.classes().stream().mapToInt(CodeClass::groups).sum();
    for (int t = 0; t < x.rows(); t++) {
      for (int r = 0; r < weight.rows(); r++) {
        double sum = before.getFloat(t, r);
        double size = Math.abs(sum);
        for (int c = 0; c < weight.classes().size(); c++) {
          CodeClass trains = weight.classes().get(c);
          for (int j = 0, g = 0; j < trains.columns(); j++) {
            g += j == trains.groupEnd(g) ? 1 : 0;
            double product = (double) x.getFloat(t, weight.order().order()[weight.order().start(c) + j]) * trains.scales().getFloat(r, g);
            sum += product * (trains.code(r, j) - trains.zero(r, g));
            size += Math.abs(product) * (trains.code(r, j) + trains.zero(r, g));
          }
        }
        double bound = (weight.columns() + groups + 4) * 0x1p-24 * size;
        assertEquals(sum, found[t * weight.rows() + r], bound, "seed " + SEED + ", token " + t + ", row " + r);
      }
    }
  }

  /** The contract's sum, each step rounded apart. */
  static float[] expected(QuantizedWeight weight, SpikeTrain x, Tensor before) {
    float[] out = before.toFloats();
    for (int t = 0; t < x.tokens(); t++) {
      for (int r = 0; r < weight.rows(); r++) {
        for (int c = 0; c < weight.classes().size(); c++) {
          CodeClass trains = weight.classes().get(c);
          for (int g = 0; g < trains.groups(); g++) {
            long sum = 0;
            for (int j = trains.groupStart(g); j < trains.groupEnd(g); j++) {
              long a = (long) x.stored(t, weight.order().start(c) + j) - x.zeros().getInt(t, c);
              sum += a * (trains.code(r, j) - trains.zero(r, g));
            }
            out[t * weight.rows() + r] += (float) sum * (x.thresholds().getFloat(t, c) * trains.scales().getFloat(r, g));
          }
        }
      }
    }
    return out;
  }

  @Test
  void digitsOfEveryCountAddUpToItAndIndicesToWhatTheirDigitsDo() {
    for (int most = 1; most <= 127; most++) {
      TrainDigits form = TrainDigits.of(most);
      int largest = 0;
      for (int k = -most; k <= most; k++) {
        int sum = 0;
        for (int i = 0; i < form.perCount(); i++) {
          assertTrue(form.digit(k, i) >= 0 && form.digit(k, i) < form.base(), form + ", count " + k);
          sum += (form.digit(k, i) - form.base() / 2) * form.weights()[i];
        }
        assertEquals(k, sum, form.toString());
      }
      for (int entry = 0; entry < TrainDigits.ENTRIES; entry++) {
        assertEquals(entry, TrainDigits.entry(TrainDigits.code(entry)));
        int sumOfPlaces = 0;
        for (int slot = 0; slot < form.perIndex(); slot++) {
          sumOfPlaces += (form.factor(slot, entry) + form.base() / 2) * form.place(slot);
        }
        // Of four digits 27 of every 32 entries are in use.
        if (entry < form.entries() && (form.perIndex() < TrainDigits.SLOTS || entry % 32 < 27)) {
          assertEquals(entry, sumOfPlaces, form + ", index " + entry);
        }
        for (int shift = 0; shift < form.perCount(); shift++) {
          int sum = 0;
          for (int slot = 0; slot < form.perIndex(); slot++) {
            sum += form.factor(slot, entry) * form.weights()[(slot + shift) % form.perCount()];
          }
          largest = Math.max(largest, Math.abs(sum));
        }
      }
      assertTrue(form.largest() >= largest && form.largest() <= Math.max(largest, form.base() / 2 * form.weights()[form.perCount() - 1]),
          form + ": " + largest);
    }
  }

  /** The plan 0.8:1,0.1:2,0.1:4 in blocks of 128 columns, classes drawn. */
  private static QuantizedWeight defaultPlan(SplittableRandom random, int rows, int columns) {
    int[] sizes = {columns * 4 / 5, columns / 10, columns - columns * 4 / 5 - columns / 10};
    int[] classOf = new int[columns];
    for (int j = 0; j < columns; j++) {
      int left = random.nextInt(sizes[0] + sizes[1] + sizes[2]);
      classOf[j] = left < sizes[0] ? 0 : left < sizes[0] + sizes[1] ? 1 : 2;
      sizes[classOf[j]]--;
    }
    List<CodeClass> classes = new ArrayList<>();
    int[] starts = new int[3];
    int[] order = new int[columns];
    for (int c = 0, place = 0; c < 3; c++) {
      starts[c] = place;
      IntStream.Builder ends = IntStream.builder();
      for (int j = 0, before = place; j < columns; j++) {
        if (classOf[j] == c) {
          order[place++] = j;
        }
        if (j % 128 == 127 && place > before) {
          ends.add(place - starts[c]);
          before = place;
        }
      }
      int size = place - starts[c];
      int[] groupEnds = ends.build().toArray();
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, 1 << c);
      CodeClass trains = new CodeClass(size, 2 + c, 1 << c, groupEnds, Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(size, 2 + c)),
          Tensor.allocate(DType.F16, rows, groupEnds.length), zero);
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < size; j++) {
          trains.setCode(r, j, random.nextInt((2 << c) + 1));
        }
        for (int g = 0; g < groupEnds.length; g++) {
          trains.scales().setFloat(r, g, (float) random.nextDouble(-0.1, 0.1));
        }
      }
      classes.add(trains);
    }
    return new QuantizedWeight(rows, new ChannelOrder(order, starts), classes);
  }

  @ParameterizedTest
  @ValueSource(ints = {2048, 5632})
  void aWeightOfTheDefaultPlanTakesAtMost2Point8BitsWithItsScales(int columns) {
    assumeTrue(Lanes.PICKS_BYTES, NO_TABLES);
    QuantizedWeight weight = defaultPlan(new SplittableRandom(SEED), 256, columns);
    try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      assertInstanceOf(TernaryLinear.class, session.prepare(weight));
      double bits = 8.0 * TernaryCodes.of(weight, session, 2).memory.byteSize() / (256.0 * columns);
      assertTrue(bits > 2 && bits <= 2.8, "bits a weight: " + bits);
    }
  }

  /** Fixed-point floats take 16 bits where that is exact enough, and 32 bits beside an outlier. */
  @ParameterizedTest
  @CsvSource({"2048, 1, PAIRS", "2048, 1000, QUADS", "5632, 1, PAIRS", "512, 1, QUADS"})
  void floatsOfTheDefaultPlanAreWithinTheContractsBound(int columns, float outlier, TernaryTables.Kind kind) {
    assumeTrue(Lanes.PICKS_BYTES, NO_TABLES);
    SplittableRandom random = new SplittableRandom(SEED + columns);
    QuantizedWeight weight = defaultPlan(random, 150, columns);
    Tensor x = normal(random, 1, columns);
    int first = weight.order().order()[0];
    x.setFloat(0, first, x.getFloat(0, first) * outlier);
    Tensor before = normal(random, 1, weight.rows());
    try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      TernaryTables tables = new TernaryTables();
      TernaryCodes codes = TernaryCodes.of(weight, session, 2);
      tables.read(codes, x, 0, 0, codes.pieces());
      assertEquals(kind, tables.kind);
    }
    assertWithinBound(weight, x, before, product(weight, x, before, 1));
  }

  /** Of no activation, and of a broken one: zeros stay what they were, and not a number is seen in every row. */
  @Test
  void zerosAddNothingAndNotANumberIsNotLost() {
    SplittableRandom random = new SplittableRandom(SEED);
    QuantizedWeight weight = defaultPlan(random, 70, 2048);
    Tensor x = Tensor.allocate(DType.F32, 1, 2048);
    Tensor before = normal(random, 1, 70);
    assertArrayEquals(before.toFloats(), product(weight, x, before, 1));
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      x.setFloat(0, 77, value);
      for (float found : product(weight, x, before, 1)) {
        assertTrue(Float.isNaN(found) || Float.isInfinite(found), value + " became " + found);
      }
    }
  }

  /** Rows around halves and blocks; groups longer than a piece; more tokens than are tabulated at a time. */
  @ParameterizedTest
  @CsvSource({"1, 1, 3", "16, 3, 40", "31, 7, 128", "33, 2, 1021", "63, 1, 2000", "65, 9, 128", "127, 5, 13", "129, 33, 128", "200, 3, 1"})
  void countsGiveTheContractsSumOnAnyNumberOfThreads(int rows, int tokens, int widest) {
    SplittableRandom random = new SplittableRandom(SEED + rows);
    QuantizedWeight weight = weight(random, rows, new int[] {1, 2, 3, 4, 8, 64}, new int[] {1021, 127, 0, 129, 17, 31}, widest, false,
        rows % 2 == 0 ? DType.F16 : DType.F32);
    Tensor before = normal(random, tokens, rows);
    SpikeTrain x = train(random, weight, tokens, 0, 255, 100);
    float[] expected = expected(weight, x, before);
    for (int threads = 1; threads <= 3; threads++) {
      assertArrayEquals(expected, product(weight, x, before, threads), "seed " + SEED + ", threads " + threads);
    }
  }

  /** The largest counts that each kind of sums takes, and the smallest that it does not. */
  @ParameterizedTest
  @EnumSource
  void everyKindOfTableIsExactAtTheEndsOfItsRange(TernaryTables.Kind kind) {
    assumeTrue(Lanes.PICKS_BYTES, NO_TABLES);
    SplittableRandom random = new SplittableRandom(SEED);
    QuantizedWeight weight = weight(random, 67, new int[] {1, 2, 4}, new int[] {500, 300, 221}, 221, true, DType.F16);
    // Tables of N = 4 have the largest sums: of two activations, times 4.
    int largest = switch (kind) {
      case PAIRS -> Short.MAX_VALUE / 8;
      case QUADS -> (Integer.MAX_VALUE - (1 << 15)) / 8;
      case LONGS -> (Integer.MAX_VALUE - (1 << 15)) / 8 + 1;
    };
    int high = kind == TernaryTables.Kind.PAIRS ? largest : Short.MAX_VALUE;
    int zero = high - largest;
    for (boolean ends : new boolean[] {false, true}) {
      SpikeTrain x = train(random, weight, 3, kind == TernaryTables.Kind.PAIRS ? -high : 0, high, zero);
      // Of one token all, of the others one of the last class.
      for (int j = ends ? 0 : weight.columns() - 1; j < weight.columns(); j++) {
        x.planes().getFirst().setInt(0, j, high);
      }
      try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
        TernaryTables tables = new TernaryTables();
        tables.read(TernaryCodes.of(weight, session, 2), x, 0, session.scratch(0).row);
        assertEquals(kind, tables.kind);
      }
      Tensor before = normal(random, 3, 67);
      assertArrayEquals(expected(weight, x, before), product(weight, x, before, 1), "seed " + SEED);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 3", "33, 7, 128", "65, 9, 1021", "129, 40, 13", "1153, 1, 128", "1153, 3, 128"})
  void floatsAreSummedWithinTheirRoundingsAndTheSameOnAnyNumberOfThreads(int rows, int tokens, int widest) {
    SplittableRandom random = new SplittableRandom(SEED + rows);
    QuantizedWeight weight = weight(random, rows, new int[] {1, 2, 4, 8}, new int[] {1021, 127, 129, 17}, widest, false, DType.F16);
    Tensor x = normal(random, tokens, weight.columns());
    Tensor before = normal(random, tokens, rows);
    float[] found = product(weight, x, before, 1);
    assertWithinBound(weight, x, before, found);
    for (int threads = 2; threads <= 3; threads++) {
      assertArrayEquals(found, product(weight, x, before, threads), "threads " + threads);
    }
  }

  @Test
  void levelsBesideTrainsAreNotForTables() {
    SplittableRandom random = new SplittableRandom(SEED);
    QuantizedWeight trains = weight(random, 3, new int[] {1}, new int[] {9}, 9, true, DType.F32);
    CodeClass levels = new CodeClass(9, 2, 0, new int[] {9}, trains.classes().getFirst().codes(), trains.classes().getFirst().scales(),
        Tensor.allocate(DType.I16, 3, 1));
    QuantizedWeight both = new QuantizedWeight(3, new ChannelOrder(ChannelOrder.identity(18).order(), new int[] {0, 9}),
        List.of(trains.classes().getFirst(), levels));
    try (SimdSession session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      SpikingLinear linear = session.prepare(both);
      assertInstanceOf(SimdLinear.class, linear);
    }
  }
}
