package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * Against sums in long, rounded as the contract says: (float) I, θ · scale, their product and the sum each on its own. So the
 * comparison is of bits.
 */
class SpikingLinearTest {

  private static final int[] SIZES = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255, 1021};

  /** Counts of a train: their type, range and number of planes. */
  private record Counts(DType type, int low, int high, int planes, int zeroLow, int zeroHigh) {}

  private static final Counts W4A4 = new Counts(DType.I8, 0, 15, 1, 0, 15);
  private static final List<Counts> ALL_COUNTS = List.of(W4A4,
      new Counts(DType.I8, 0, 30, 1, -40, 60),
      new Counts(DType.I8, -1, 1, 4, 0, 0),
      new Counts(DType.I8, -128, 127, 1, -128, 127),
      new Counts(DType.I8, -128, 127, 1, -10128, 10000),
      new Counts(DType.I8, -128, 127, 3, -300, 300),
      new Counts(DType.I16, 0, 1020, 1, 0, 1020),
      new Counts(DType.I16, -16384, 16384, 1, -16384, 16384),
      new Counts(DType.I16, -16384, 16384, 5, -100, 100));

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void integersAreExactForRaggedSizes(int bits) {
    Random random = seeded(bits);
    for (int i = 0; i < 40; i++) {
      int rows = SIZES[random.nextInt(SIZES.length)];
      int columns = SIZES[random.nextInt(SIZES.length)];
      int tokens = new int[] {1, 2, 3, 4, 5, 9}[random.nextInt(6)];
      int groupSize = new int[] {1, 4, 7, 8, 32, 44, 64, 128, 1 << 30}[random.nextInt(9)];
      Counts counts = ALL_COUNTS.get(random.nextInt(ALL_COUNTS.size()));
      boolean extreme = random.nextInt(4) == 0;
      check(random, weight(random, rows, columns, bits, groupSize, extreme), counts, tokens, extreme);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 8})
  void integersAreExactForWideRowsOfExtremeCodes(int bits) {
    Random random = seeded(bits);
    for (Counts counts : ALL_COUNTS) {
      for (int tokens : new int[] {1, 6}) {
        check(random, weight(random, 3, 28672, bits, 1 << 30, true), counts, tokens, true);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 8})
  void everyRangeOfActivationsIsExact(int bits) {
    Random random = seeded(bits);
    QuantizedWeight weight = weight(random, 17, 600, bits, 1 << 30, true);
    for (int high = 1; high <= 8192; high += 1 + high / 3) {
      check(random, weight, new Counts(DType.I16, 0, high, 1, 0, high), 5, true);
      check(random, weight, new Counts(DType.I16, 0, high, 1, 0, high), 1, true);
    }
  }

  /** One to eleven blocks of rows, in bands of four, and counts on both sides of where kernels change. */
  @Test
  void everyNumberOfRowsIsExactForFewTokens() {
    Random random = seeded(3);
    int i = 0;
    for (int rows = 5; rows <= 11 * Lanes.BLOCK; rows += Lanes.BLOCK - 1) {
      for (int high : new int[] {15, 16, 17, 30, 34, 35}) {
        boolean extreme = i % 2 == 0;
        QuantizedWeight weight = weight(random, rows, 530, 4, i % 3 == 0 ? 100 : 1 << 30, extreme);
        check(random, weight, new Counts(DType.I8, 0, high, 1, 0, high), 1 + i++ % 3, extreme);
      }
    }
  }

  /** Groups that are shorter than a piece, a little longer, and several pieces long; for every kind of tokens. */
  @Test
  void codesOfSeveralPiecesAreExact() {
    Random random = seeded(4);
    int piece = Balanced.span(new CodeLayout(4)) * new CodeLayout(4).perLine();
    int i = 0;
    for (int groupSize : new int[] {100, piece + 12, 1 << 30}) {
      for (int high : new int[] {15, 30, 200, 20_000}) {
        int rows = i % 2 == 0 ? 1 : 5 * Lanes.BLOCK - 1;
        QuantizedWeight weight = weight(random, rows, 2 * piece + 261, 4, groupSize, i % 3 == 0);
        check(random, weight, new Counts(DType.I16, 0, high, 1, 0, high), new int[] {1, 3, 5}[i % 3], i % 3 == 0);
        i++;
      }
    }
  }

  @Test
  void zeroScalesLeaveTheOutputAsItIs() {
    Random random = seeded(0);
    QuantizedWeight weight = weight(random, 33, 65, 4, 32, false);
    weight.classes().forEach(c -> c.scales().clear());
    SpikeTrain train = train(random, weight.order(), W4A4, 5, false);
    try (Session session = new SimdSession(1, SimdSession.Kernels.VECTOR)) {
      float[] start = floats(random, 5 * 33);
      Guarded out = Guarded.of(5, 33, start);
      session.prepare(weight).accumulate(train, out.tensor());
      assertArrayEquals(start, out.tensor().toFloats());
    }
  }

  @Test
  void aTokensResultDoesNotDependOnTheTokensBesideIt() {
    Random random = seeded(1);
    QuantizedWeight weight = weight(random, 65, 255, 4, 64, false);
    SpikeTrain train = train(random, weight.order(), W4A4, 11, false);
    Tensor x = Tensor.of(11, floats(random, 11 * 255));
    try (Session session = new SimdSession(2, SimdSession.Kernels.VECTOR)) {
      var linear = session.prepare(weight);
      Tensor all = Tensor.allocate(DType.F32, 11, 65);
      Tensor prefix = Tensor.allocate(DType.F32, 1, 65);
      linear.accumulate(train, all);
      linear.accumulate(train.tokens(1), prefix);
      assertArrayEquals(all.rows(0, 1).toFloats(), prefix.toFloats());
      all.clear();
      prefix.clear();
      linear.accumulate(x, all);
      linear.accumulate(x.rows(7, 8), prefix);
      assertArrayEquals(all.rows(7, 8).toFloats(), prefix.toFloats());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 8})
  void floatInputsAreMultipliedWithinRounding(int bits) {
    Random random = seeded(bits);
    for (int i = 0; i < 20; i++) {
      int rows = SIZES[random.nextInt(SIZES.length)];
      int columns = i == 0 ? 2309 : SIZES[random.nextInt(SIZES.length)];
      int tokens = new int[] {1, 2, 5, 6, 7, 13}[random.nextInt(6)];
      QuantizedWeight weight = weight(random, rows, columns, bits, new int[] {9, 20, 32, 1 << 30}[random.nextInt(4)], false);
      Tensor x = Tensor.of(tokens, floats(random, tokens * columns));
      Tensor dense = weight.dequantize();
      float[] start = floats(random, tokens * rows);
      for (int threads = 1; threads <= 3; threads++) {
        Guarded out = Guarded.of(tokens, rows, start);
        try (Session session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
          session.prepare(threads == 1 ? weight : tiles(weight)).accumulate(x, out.tensor());
        }
        out.check("float input");
        for (int t = 0; t < tokens; t++) {
          for (int r = 0; r < rows; r++) {
            double sum = start[t * rows + r];
            double magnitude = Math.abs(sum);
            for (int k = 0; k < columns; k++) {
              double term = (double) x.getFloat(t, k) * dense.getFloat(r, k);
              sum += term;
              magnitude += Math.abs(term);
            }
            // A product and a sum a column, a sum a stretch of columns: one rounding each.
            double tolerance = (columns + 8) * 0x1p-24 * magnitude;
            assertEquals(sum, out.tensor().getFloat(t, r), tolerance, rows + "x" + columns + " token " + t + " row " + r);
          }
        }
      }
    }
  }

  private static void check(Random random, QuantizedWeight weight, Counts counts, int tokens, boolean extreme) {
    SpikeTrain train = train(random, weight.order(), counts, tokens, extreme);
    float[] start = floats(random, tokens * weight.rows());
    float[] expected = expected(weight, train, start.clone());
    String what = weight.rows() + "x" + weight.columns() + ", " + weight.classes().getFirst().bits() + " bits, "
        + weight.classes().getFirst().groups() + " groups, " + tokens + " tokens, " + counts;
    for (QuantizedWeight codes : List.of(weight, tiles(weight))) {
      for (int threads = 0; threads <= 3; threads++) {
        try (SimdSession session = threads == 0 ? new SimdSession(2, SimdSession.Kernels.PLAIN)
            : new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
          for (int vectors : new int[] {1, CodeStreams.VECTORS}) {
            Guarded out = Guarded.of(tokens, weight.rows(), start);
            new SimdLinear(codes, session, vectors).accumulate(train, out.tensor());
            assertArrayEquals(expected, out.tensor().toFloats(), what + ", threads " + threads + ", vectors " + vectors);
            out.check(what);
          }
        }
      }
    }
  }

  /** The same weight, its codes in tiles where they can lie so. */
  private static QuantizedWeight tiles(QuantizedWeight weight) {
    return new QuantizedWeight(weight.rows(), weight.order(),
        weight.classes().stream().map(c -> c.suitsTiles() ? c.inTiles() : c).toList());
  }

  private static float[] expected(QuantizedWeight weight, SpikeTrain train, float[] out) {
    ChannelOrder order = weight.order();
    for (int c = 0; c < order.classes(); c++) {
      CodeClass codes = weight.classes().get(c);
      int[] row = new int[codes.columns()];
      for (int r = 0; r < weight.rows(); r++) {
        for (int j = 0; j < row.length; j++) {
          row[j] = codes.code(r, j);
        }
        for (int t = 0; t < train.tokens(); t++) {
          long zero = train.zeros().getInt(t, c);
          for (int g = 0, j = 0; g < codes.groups(); g++) {
            long integer = 0;
            for (; j < codes.groupEnd(g); j++) {
              integer += (train.stored(t, order.start(c) + j) - zero) * (row[j] - codes.zero(r, g));
            }
            float factor = train.thresholds().getFloat(t, c) * codes.scales().getFloat(r, g);
            out[t * weight.rows() + r] += (float) integer * factor;
          }
        }
      }
    }
    return out;
  }

  private static QuantizedWeight weight(Random random, int rows, int columns, int bits, int groupSize, boolean extreme) {
    List<Integer> shuffled = new ArrayList<>(IntStream.range(0, columns).boxed().toList());
    Collections.shuffle(shuffled, random);
    int plain = random.nextInt(columns + 1);
    int[] starts = random.nextBoolean() ? new int[] {0} : new int[] {0, plain, plain + random.nextInt(columns - plain + 1)};
    ChannelOrder order = new ChannelOrder(shuffled.stream().mapToInt(i -> i).toArray(), starts);
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int width = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(width, groupSize);
      int groups = groupEnds.length;
      CodeClass codes = new CodeClass(width, bits, 0, groupEnds, Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(width, bits)),
          Tensor.allocate(random.nextBoolean() ? DType.F16 : DType.F32, rows, groups), Tensor.allocate(DType.I16, rows, groups));
      int max = (1 << bits) - 1;
      for (int r = 0; r < rows; r++) {
        for (int j = 0; j < width; j++) {
          codes.setCode(r, j, extreme ? (r == 0 || random.nextInt(8) > 0 ? max : 0) : random.nextInt(max + 1));
        }
        for (int g = 0; g < groups; g++) {
          codes.scales().setFloat(r, g, 0.01f * random.nextFloat());
          codes.zeros().setInt(r, g, extreme && random.nextInt(3) == 0 ? (random.nextBoolean() ? 32767 : -32768)
              : random.nextInt(max + 1));
        }
      }
      classes.add(codes);
    }
    return new QuantizedWeight(rows, order, classes);
  }

  private static SpikeTrain train(Random random, ChannelOrder order, Counts counts, int tokens, boolean extreme) {
    List<Tensor> planes = IntStream.range(0, counts.planes())
        .mapToObj(p -> Tensor.allocate(counts.type(), tokens, order.channels())).toList();
    SpikeTrain train = new SpikeTrain(order, planes, Tensor.allocate(DType.F32, tokens, order.classes()),
        Tensor.allocate(DType.I32, tokens, order.classes()), 0);
    for (int t = 0; t < tokens; t++) {
      for (Tensor plane : planes) {
        for (int j = 0; j < order.channels(); j++) {
          boolean end = extreme && random.nextInt(8) > 0;
          plane.setInt(t, j, end ? (t % 2 == 0 ? counts.high() : counts.low()) : random.nextInt(counts.low(), counts.high() + 1));
        }
      }
      for (int c = 0; c < order.classes(); c++) {
        train.thresholds().setFloat(t, c, random.nextFloat());
        train.zeros().setInt(t, c, random.nextInt(counts.zeroLow(), counts.zeroHigh() + 1));
      }
    }
    return train;
  }

  private static float[] floats(Random random, int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private static Random seeded(int salt) {
    long seed = Long.getLong("spikellm.seed", 20260729L) + salt;
    System.out.println("seed " + seed);
    return new Random(seed);
  }
}
