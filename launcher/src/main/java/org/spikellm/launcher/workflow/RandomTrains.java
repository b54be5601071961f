package org.spikellm.launcher.workflow;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * Draws weights that are ternary spike trains, as the GPTQ pipeline stores them. Which columns are of which class is drawn for each
 * weight; of every 128 columns those of a class share an F16 scale a row.
 */
final class RandomTrains {

  /**
   * What columns fire for how long.
   *
   * @param fractions of the columns, of each class; what is left over is the last one's
   * @param steps time steps of each class
   */
  record Plan(double[] fractions, int[] steps) {

    /** The pipeline's default. */
    static final Plan SALIENT = new Plan(new double[] {0.8, 0.1, 0.1}, new int[] {1, 2, 4});
    /** One step for all. */
    static final Plan ONE_STEP = new Plan(new double[] {1}, new int[] {1});

    /** Classes of columns. */
    int classes() {
      return steps.length;
    }

    /** Columns of each class among {@code columns}: fractions rounded, the last class takes the rest. */
    private int[] sizes(int columns) {
      int[] sizes = new int[classes()];
      int left = columns;
      for (int c = 0; c < sizes.length - 1; c++) {
        sizes[c] = (int) Math.min(left, Math.rint(fractions[c] * columns));
        left -= sizes[c];
      }
      sizes[sizes.length - 1] = left;
      return sizes;
    }

    /** About the bytes of codes and scales of a weight: as if every class had columns in every block. */
    long bytes(int rows, int columns) {
      int[] sizes = sizes(columns);
      long row = 0;
      for (int c = 0; c < sizes.length; c++) {
        row += CodeClass.packedBytes(sizes[c], bits(steps[c]));
      }
      return rows * (row + (long) classes() * CodeClass.groupEnds(columns, BLOCK).length * DType.F16.bytes());
    }
  }

  /** Columns that share scales. */
  private static final int BLOCK = 128;

  private final Plan plan;
  private final SplittableRandom random;

  RandomTrains(Plan plan, SplittableRandom random) {
    this.plan = plan;
    this.random = random;
  }

  /** Bits of a code of 2·steps + 1 counts. */
  private static int bits(int steps) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(2 * steps);
  }

  /** A weight whose root mean square is about 1/√columns, with memory of {@code arena}, which other threads may access. */
  QuantizedWeight weight(int rows, int columns, Arena arena) {
    int[] classOf = classOf(columns);
    int[] starts = new int[plan.classes()];
    int[] order = new int[columns];
    int place = 0;
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < plan.classes(); c++) {
      starts[c] = place;
      IntStream.Builder groupEnds = IntStream.builder();
      for (int j = 0, before = place; j < columns; j++) {
        if (classOf[j] == c) {
          order[place++] = j;
        }
        if ((j + 1) % BLOCK == 0 || j == columns - 1) {
          if (place > before) {
            groupEnds.add(place - starts[c]);
          }
          before = place;
        }
      }
      classes.add(trains(rows, place - starts[c], plan.steps()[c], groupEnds.build().toArray(), 1 / Math.sqrt(columns), arena));
    }
    return new QuantizedWeight(rows, new ChannelOrder(order, starts), classes);
  }

  /** The class of each column, in an order that is drawn. */
  private int[] classOf(int columns) {
    int[] sizes = plan.sizes(columns);
    int[] classOf = new int[columns];
    for (int c = 0, from = 0; c < sizes.length; from += sizes[c++]) {
      Arrays.fill(classOf, from, from + sizes[c], c);
    }
    for (int i = columns - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = classOf[i];
      classOf[i] = classOf[j];
      classOf[j] = other;
    }
    return classOf;
  }

  private CodeClass trains(int rows, int columns, int steps, int[] groupEnds, double size, Arena arena) {
    int bits = bits(steps);
    Tensor codes = Tensor.allocate(arena, DType.U8, rows, CodeClass.packedBytes(columns, bits));
    Tensor scales = Tensor.allocate(arena, DType.F16, rows, groupEnds.length);
    Tensor zeros = Tensor.allocate(arena, DType.I16, 1, 1);
    zeros.setInt(0, 0, steps);
    SplittableRandom[] generators = new SplittableRandom[rows];
    Arrays.setAll(generators, r -> random.split());
    double scale = size / Math.sqrt(steps / 2.0);   // 2·steps bits of which each is 1 or 0 have that deviation
    IntStream.range(0, rows).parallel().forEach(row -> {
      draw(codes, row, columns, bits, steps, generators[row]);
      for (int g = 0; g < groupEnds.length; g++) {
        scales.setFloat(row, g, (float) (scale * generators[row].nextDouble(0.75, 1.25)));
      }
    });
    return new CodeClass(columns, bits, steps, groupEnds, codes, scales, zeros);
  }

  /** The codes of a row: how many of 2·steps random bits are 1, so that a code less {@code steps} is −steps..steps. */
  private static void draw(Tensor codes, int row, int columns, int bits, int steps, SplittableRandom random) {
    long mask = (1L << 2 * steps) - 1;
    int perDraw = Long.SIZE / (2 * steps);
    byte[] bytes = new byte[codes.columns()];
    long drawn = 0;
    int filled = 0;   // bits of `rest`
    int rest = 0;
    int at = 0;
    for (int j = 0; j < columns; j++) {
      drawn = j % perDraw == 0 ? random.nextLong() : drawn >>> 2 * steps;
      rest |= Long.bitCount(drawn & mask) << filled;
      filled += bits;
      if (filled >= Byte.SIZE) {
        bytes[at++] = (byte) rest;
        rest >>>= Byte.SIZE;
        filled -= Byte.SIZE;
      }
    }
    if (filled > 0) {
      bytes[at] = (byte) rest;
    }
    MemorySegment.copy(bytes, 0, codes.segment(), Tensor.BYTE, row * codes.rowBytes(), bytes.length);
  }
}
