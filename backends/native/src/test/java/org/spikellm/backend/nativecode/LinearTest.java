package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.IntSupplier;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * Products of as many tokens as the tiles of every instruction set are cut from, against sums in long. Scales and thresholds are
 * powers of two, so that the bits follow whether products and sums are fused or not.
 */
class LinearTest {

  private static final int[] TOKENS = {1, 2, 3, 4, 5, 11, 12, 13, 17, 24, 29};
  private static final int[] ROWS = {1, 15, 16, 17, 33, 48, 65};
  private static final int[] COLUMNS = {1, 4, 9, 33, 130, 517};
  private static final int[] GROUPS = {3, 8, 20, 128, 1 << 30};
  private static final int[] TRAINS = {1, 2, 4, 3, 5, 15, 16};
  private static final int[] TRAIN_ROWS = {1, 31, 128, 130, 300};
  private static final float U = 0x1p-24f;

  /** Columns, bits and time steps of classes: every form of codes, levels and trains, and a class that is empty. */
  private static List<CodeClass> classes(Random random, int rows, int columns, int turn) {
    int salient = columns / 3;
    int bits = 1 + turn % 8;
    return switch (turn % 4) {
      case 0 -> List.of(codes(random, rows, columns, bits, 0));
      case 1 -> List.of(codes(random, rows, columns - salient, bits, 0), codes(random, rows, salient, 9 - bits, 0));
      case 2 -> List.of(codes(random, rows, columns - 2 * salient, 2, 1), codes(random, rows, salient, 3, 2),
          codes(random, rows, salient, 4, 4));
      default -> List.of(codes(random, rows, 0, 4, 0), codes(random, rows, columns - salient, 5, 11),
          codes(random, rows, salient, bits, 0));
    };
  }

  private static CodeClass codes(Random random, int rows, int columns, int bits, int timeSteps) {
    int[] ends = CodeClass.groupEnds(columns, GROUPS[random.nextInt(GROUPS.length)]);
    Tensor codes = Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits));
    Tensor scales = Tensor.allocate(random.nextBoolean() ? DType.F16 : DType.F32, rows, ends.length);
    Tensor zeros = Tensor.allocate(DType.I16, timeSteps > 0 ? 1 : rows, timeSteps > 0 ? 1 : ends.length);
    if (timeSteps > 0) {
      zeros.setInt(0, 0, timeSteps);
    }
    CodeClass made = new CodeClass(columns, bits, timeSteps, ends, codes, scales, zeros);
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < columns; j++) {
        made.setCode(r, j, random.nextInt(timeSteps > 0 ? 2 * timeSteps + 1 : 1 << bits));
      }
      for (int g = 0; g < ends.length; g++) {
        scales.setFloat(r, g, Math.scalb(1f, random.nextInt(4) - 6));
        if (timeSteps == 0) {
          zeros.setInt(r, g, random.nextInt(8) == 0 ? random.nextInt(20_001) - 10_000 : random.nextInt(1 << bits));
        }
      }
    }
    return made;
  }

  /** Spike trains only, of steps that are written in digits in each way; the last ones are past what is looked up. */
  private static List<CodeClass> trains(Random random, int rows, int columns, int turn) {
    int steps = TRAINS[turn % TRAINS.length];
    int salient = columns / 5;
    int more = TRAINS[(turn + 2) % (TRAINS.length - 1)];
    return List.of(codes(random, rows, columns - 2 * salient, bits(steps), steps), codes(random, rows, salient, 8, more),
        codes(random, rows, salient, bits(more), more));
  }

  private static int bits(int steps) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(2 * steps);
  }

  private static QuantizedWeight weight(Random random, int rows, int columns, int turn) {
    return weight(random, rows, columns, classes(random, rows, columns, turn));
  }

  private static QuantizedWeight weight(Random random, int rows, int columns, List<CodeClass> classes) {
    int[] starts = new int[classes.size()];
    for (int c = 1; c < starts.length; c++) {
      starts[c] = starts[c - 1] + classes.get(c - 1).columns();
    }
    List<Integer> order = new ArrayList<>(IntStream.range(0, columns).boxed().toList());
    Collections.shuffle(order, random);
    return new QuantizedWeight(rows, new ChannelOrder(order.stream().mapToInt(i -> i).toArray(), starts), classes);
  }

  /** Tokens of one byte, of two and of more than 32 bits stand side by side. */
  private static SpikeTrain train(Random random, ChannelOrder order, int tokens, DType type, int planes) {
    return train(random, order, tokens, type, planes, () -> random.nextInt(4));
  }

  /** Counts of a byte, of up to 2000, of 16 bits, and zero points of 32 bits: the kinds 0 to 3. */
  private static SpikeTrain train(Random random, ChannelOrder order, int tokens, DType type, int planes, IntSupplier kinds) {
    List<Tensor> counts = new ArrayList<>();
    Tensor thetas = Tensor.allocate(DType.F32, tokens, order.classes());
    Tensor zeros = Tensor.allocate(DType.I32, tokens, order.classes());
    for (int p = 0; p < planes; p++) {
      counts.add(Tensor.allocate(type, tokens, order.channels()));
    }
    for (int t = 0; t < tokens; t++) {
      int kind = kinds.getAsInt();
      int high = type == DType.I8 || kind == 0 ? 127 : kind == 1 ? 2000 : Short.MAX_VALUE;
      for (int i = 0; i < planes * order.channels(); i++) {
        counts.get(i % planes).setInt(t, i / planes, random.nextInt(2 * high + 2) - high - 1);
      }
      for (int c = 0; c < order.classes(); c++) {
        thetas.setFloat(t, c, Math.scalb(1f, random.nextInt(4) - 2));
        zeros.setInt(t, c, kind == 3 ? random.nextInt() : random.nextInt(300) - 150);
      }
    }
    return new SpikeTrain(order, counts, thetas, zeros, 0);
  }

  private static float[] expected(QuantizedWeight weight, SpikeTrain train, float[] before) {
    float[] sums = before.clone();
    for (int t = 0; t < train.tokens(); t++) {
      for (int r = 0; r < weight.rows(); r++) {
        for (int c = 0; c < weight.classes().size(); c++) {
          CodeClass codes = weight.classes().get(c);
          for (int g = 0; g < codes.groups(); g++) {
            long integer = 0;
            for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
              integer += ((long) train.stored(t, weight.order().start(c) + j) - train.zeros().getInt(t, c))
                  * (codes.code(r, j) - codes.zero(r, g));
            }
            sums[t * weight.rows() + r] += (float) integer * (train.thresholds().getFloat(t, c) * codes.scales().getFloat(r, g));
          }
        }
      }
    }
    return sums;
  }

  private static Tensor normal(Random random, int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  @ParameterizedTest
  @EnumSource
  void integersAreExactInEveryTile(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      for (int turn = 0; turn < 160; turn++) {
        Random random = new Random(turn);
        QuantizedWeight weight = weight(random, ROWS[turn % 7], COLUMNS[turn % 6], turn);
        DType type = turn % 3 == 0 ? DType.I16 : DType.I8;
        SpikeTrain train = train(random, weight.order(), TOKENS[turn % 11], type, 1 + turn % 5 / 4);
        Tensor out = normal(random, train.tokens(), weight.rows());
        float[] expected = expected(weight, train, out.toFloats());
        session.prepare(weight).accumulate(train, out);
        assertArrayEquals(expected, out.toFloats(), "seed " + turn);
      }
    }
  }

  /** A token reads codes of half a megabyte, which are cut into chunks of several lengths. */
  @ParameterizedTest
  @EnumSource
  void oneTokenOfManyChunks(Instructions set) {
    for (int threads = 1; threads <= 3; threads++) {
      try (Session session = Sessions.open(set, threads)) {
        Random random = new Random(1000 + threads);
        QuantizedWeight weight = weight(random, 1033, 517, List.of(codes(random, 1033, 517, 8, 0)));
        SpikeTrain train = train(random, weight.order(), 1, DType.I8, 1);
        Tensor out = normal(random, 1, weight.rows());
        float[] expected = expected(weight, train, out.toFloats());
        session.prepare(weight).accumulate(train, out);
        assertArrayEquals(expected, out.toFloats(), threads + " threads");
      }
    }
  }

  /** Weights that are spike trains, whose sums take 16 bits, 32 or more, for all tokens at once. */
  @ParameterizedTest
  @EnumSource
  void integersOfTrainsAreExact(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      for (int turn = 0; turn < 140; turn++) {
        Random random = new Random(2000 + turn);
        int rows = TRAIN_ROWS[turn % 5];
        int columns = COLUMNS[turn % 6];
        int kind = turn % 4;
        QuantizedWeight weight = weight(random, rows, columns, trains(random, rows, columns, turn));
        DType type = kind == 0 ? DType.I8 : DType.I16;
        SpikeTrain train = train(random, weight.order(), TOKENS[turn % 11], type, 1 + turn % 5 / 4, () -> kind);
        Tensor out = normal(random, train.tokens(), rows);
        float[] expected = expected(weight, train, out.toFloats());
        session.prepare(weight).accumulate(train, out);
        assertArrayEquals(expected, out.toFloats(), "seed " + (2000 + turn));
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void moreTokensOfTrainsThanAreStagedAtOnce(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      Random random = new Random(4000);
      QuantizedWeight weight = weight(random, 17, 33, trains(random, 17, 33, 0));
      SpikeTrain train = train(random, weight.order(), 530, DType.I8, 1, () -> 0);
      Tensor out = normal(random, train.tokens(), 17);
      float[] expected = expected(weight, train, out.toFloats());
      session.prepare(weight).accumulate(train, out);
      assertArrayEquals(expected, out.toFloats(), "seed 4000");
      floats(session, random, weight, 530, 4000);
    }
  }

  @ParameterizedTest
  @EnumSource
  void inputsInFloatOfTrains(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      for (int turn = 0; turn < 70; turn++) {
        Random random = new Random(3000 + turn);
        int rows = TRAIN_ROWS[turn % 5];
        int columns = COLUMNS[turn % 6];
        QuantizedWeight weight = weight(random, rows, columns, trains(random, rows, columns, turn));
        floats(session, random, weight, TOKENS[turn % 11], 3000 + turn);
      }
    }
  }

  /** The bound of rule B.36 for every element; and a token gets the bytes that it gets alone. */
  @ParameterizedTest
  @EnumSource
  void inputsInFloatInEveryTile(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      for (int turn = 0; turn < 80; turn++) {
        Random random = new Random(1000 + turn);
        QuantizedWeight weight = weight(random, ROWS[turn % 7], COLUMNS[turn % 6], turn);
        floats(session, random, weight, TOKENS[turn % 11], 1000 + turn);
      }
    }
  }

  private static void floats(Session session, Random random, QuantizedWeight weight, int tokens, int seed) {
    Tensor x = normal(random, tokens, weight.columns());
    Tensor out = normal(random, tokens, weight.rows());
    Tensor alone = out.toF32();
    float[] before = out.toFloats();
    SpikingLinear prepared = session.prepare(weight);
    prepared.accumulate(x, out);
    for (int t = 0; t < tokens; t++) {
      prepared.accumulate(x.rows(t, t + 1), alone.rows(t, t + 1));
    }
    assertArrayEquals(alone.toFloats(), out.toFloats(), "rows one by one, seed " + seed);
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < weight.rows(); r++) {
        checkFloat(weight, x, t, r, before[t * weight.rows() + r], out.getFloat(t, r), seed);
      }
    }
  }

  private static void checkFloat(QuantizedWeight weight, Tensor x, int t, int r, double before, float found, int seed) {
    double sum = before;
    double size = Math.abs(before);
    int groups = 0;
    for (int c = 0; c < weight.classes().size(); c++) {
      CodeClass codes = weight.classes().get(c);
      groups += codes.groups();
      for (int g = 0; g < codes.groups(); g++) {
        double scale = codes.scales().getFloat(r, g);
        int zero = codes.zero(r, g);
        for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
          double value = x.getFloat(t, weight.order().order()[weight.order().start(c) + j]);
          sum += value * (codes.code(r, j) - zero) * scale;
          size += Math.abs(value) * (codes.code(r, j) + Math.abs(zero)) * scale;
        }
      }
    }
    assertEquals(sum, found, (weight.columns() + groups + 4) * U * size, "token " + t + ", row " + r + ", seed " + seed);
  }
}
