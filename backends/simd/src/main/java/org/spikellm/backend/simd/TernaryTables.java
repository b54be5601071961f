package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * What a token's activations add up to for every index of {@link TernaryCodes}: an integer of each, of which a table has the lower bytes
 * and then the upper ones, [steps][2][{@link TrainDigits#ENTRIES}]. They are made for a piece just before all rows of a thread look up
 * in it: made for all pieces beforehand they would come from the second cache, which takes longer than to make them in each thread.
 *
 * <p>Of counts the activation is {@code n − z}, exact, so that no zero point is left over. Floats become fixed-point numbers, with a
 * unit θ for every group such that its sums fit 16 bits: each sum is rounded by up to θ/2. By the contract a group of counts to N may be
 * off by {@code k · 2⁻²⁴ · Σ N|x|}, k being all columns of the weight. Where {@code steps · θ/2} is more (few columns, or a far outlier
 * among the inputs), as well as for large counts, integers have 32 bits, in tables of the lower 16 and tables of the upper.
 *
 * <p>For one token after another: {@link #read}, then {@link #fill} for a piece at a time.
 */
final class TernaryTables {

  /** The integers: of 16 bits, of 32 bits, and longer ones, which are not tabulated. */
  enum Kind { PAIRS, QUADS, LONGS }

  /** Bytes of a step's table. */
  static final int STEP = 2 * TrainDigits.ENTRIES;

  /** What the integers are more by in the tables, so that none is negative. */
  static final int BIAS = 1 << 15;

  /** A unit that is less, times {@link TernaryDots#HALF_SCALE}, is finite. */
  private static final float LARGE = 0x1p15f;

  private static final int ENTRIES = TrainDigits.ENTRIES;
  private static final int HALF = ENTRIES / 2;
  private static final int SLOTS = TrainDigits.SLOTS;
  private static final int LANES = Lanes.COUNT;

  /** The largest sum of 16 bits, and of 32 bits of which the upper 16 are rounded. */
  private static final int MOST = Short.MAX_VALUE;
  private static final int MOST_QUAD = Integer.MAX_VALUE - BIAS;

  /** The largest sum of floats before it is rounded, and the bits of one in 32. */
  private static final float MOST_FLOAT = MOST - 7;
  private static final int FLOAT_BITS = 30;

  /** 1.5 · 2²³ leaves the integer of a float below 2²² in the lower bits. */
  private static final float INTEGER = 0x1.8p23f + BIAS;

  /** A little more than the half that a sum is rounded by: it was rounded as a float before. */
  private static final float ROUNDED = 0.52f;

  /** Roundings that a term has otherwise, generously. */
  private static final int ROUNDINGS = 16;

  /** The smallest unit: its inverse is finite. */
  private static final float LEAST = 0x1p-120f;

  Kind kind;
  /**
   * Tables, of 32 bits those of the lower 16, which stand for −2¹⁵..2¹⁵ − 1. They lie where each vector is a line of the cache;
   * in an array each would be read out of two.
   */
  MemorySegment low = MemorySegment.NULL;
  /** Tables of the upper 16 bits. */
  MemorySegment high = MemorySegment.NULL;
  /** θ of each group. */
  float[] thetas = {};
  /** The activations where there are no tables, [columns]. */
  long[] longs = {};
  /** What was read only to be near when it is needed; of no meaning. */
  int touched;
  /** Whether a unit is {@link #LARGE}. */
  boolean large;
  /** Activations and a 0 behind them, floats by channel, counts in channel order. */
  private float[] row = {};
  private int[] counts = {};
  /** The activation of each slot, where sums have 16 bits in units of its group. */
  private float[] slots = {};
  private final float[] extent = new float[2];
  private int[] integers = {};

  /** Takes up token {@code token} of an input that is not encoded, for the pieces {@code first..last − 1}. */
  void read(TernaryCodes codes, Tensor x, int token, int first, int last) {
    allocate(codes);
    x.readRow(token, row);
    row[codes.columns] = 0;
    int from = codes.pieceGroups[first];
    int to = codes.pieceGroups[last];
    if (units(codes, from, to)) {
      kind = Kind.PAIRS;
      for (int g = from; g < to; g++) {
        scale(slots, codes.groupStep(g) * SLOTS, codes.stepEnds[g] * SLOTS, 1 / thetas[g]);
      }
    } else {
      kind = Kind.QUADS;
      integers(codes, from, to);
    }
  }

  private static void scale(float[] slots, int from, int to, float factor) {
    for (int i = from; i < to; i++) {
      slots[i] *= factor;
    }
  }

  /** Takes up token {@code token} of a spike train. */
  void read(TernaryCodes codes, SpikeTrain x, int token, StagedSpikes.Row scratch) {
    allocate(codes);
    int columns = codes.columns;
    int[] stored = scratch.read(x, token, 0, columns);
    large = false;
    long largest = 0;
    for (int c = 0; c < codes.classes(); c++) {
      float theta = x.thresholds().getFloat(token, c);
      Arrays.fill(thetas, codes.classGroups[c], codes.classGroups[c + 1], theta);
      large |= !(theta < LARGE);
      int zero = x.zeros().getInt(token, c);
      int least = zero;
      int most = zero;
      for (int i = x.order().start(c); i < x.order().end(c); i++) {
        least = Math.min(least, stored[i]);
        most = Math.max(most, stored[i]);
        row[i] = stored[i] - zero;
        counts[i] = stored[i] - zero;
      }
      largest = Math.max(largest, Math.max((long) most - zero, (long) zero - least) * codes.digits[c].largest());
    }
    row[columns] = 0;
    counts[columns] = 0;
    kind = largest <= MOST ? Kind.PAIRS : largest <= MOST_QUAD ? Kind.QUADS : Kind.LONGS;
    switch (kind) {
      case PAIRS -> {
        for (int i = 0; i < codes.steps * SLOTS; i++) {
          slots[i] = row[codes.places[i]] * codes.weights[i];
        }
      }
      case QUADS -> {
        for (int i = 0; i < codes.steps * SLOTS; i++) {
          integers[i] = counts[codes.places[i]] * (int) codes.weights[i];
        }
      }
      case LONGS -> {
        longs = longs.length < columns ? new long[columns] : longs;
        for (int c = 0; c < codes.classes(); c++) {
          for (int i = x.order().start(c); i < x.order().end(c); i++) {
            longs[i] = (long) stored[i] - x.zeros().getInt(token, c);
          }
        }
      }
    }
  }

  private void allocate(TernaryCodes codes) {
    if (row.length < codes.columns + 1) {
      row = new float[codes.columns + 1];
      counts = new int[codes.columns + 1];
    }
    if (slots.length < codes.steps * SLOTS) {
      slots = new float[codes.steps * SLOTS];
      integers = new int[codes.steps * SLOTS];
    }
    thetas = thetas.length < codes.groups ? new float[codes.groups] : thetas;
    if (low.byteSize() < codes.longestPiece * STEP) {
      low = Arena.ofAuto().allocate(codes.longestPiece * STEP, Lanes.BYTES);
      high = Arena.ofAuto().allocate(codes.longestPiece * STEP, Lanes.BYTES);
    }
  }

  /** The slots of some groups of floats, and their units; false where one is too large for 16 bits. */
  private boolean units(TernaryCodes codes, int first, int last) {
    large = false;
    boolean fine = true;
    for (int c = 0; c < codes.classes(); c++) {
      // Two digits of a count are more than it, in all.
      float bound = codes.digits[c].perCount() == 1 ? (codes.columns - ROUNDINGS) * 0x1p-24f : 0;
      for (int g = Math.max(first, codes.classGroups[c]); g < Math.min(last, codes.classGroups[c + 1]); g++) {
        int from = codes.groupStep(g) * SLOTS;
        int to = codes.stepEnds[g] * SLOTS;
        if (codes.digits[c].perCount() == 1) {
          sameDigits(row, codes.channels, codes.digits[c].most(0), from, to, slots, extent);
        } else {
          digits(row, codes, from, to, slots, extent);
        }
        float largest = extent[0];
        float sum = extent[1];
        // A sum that is infinite or not a number makes the product of the group so.
        float theta = sum < Float.POSITIVE_INFINITY ? Math.max(largest / MOST_FLOAT, LEAST) : Float.NaN;
        fine &= largest == 0 || (codes.stepEnds[g] - codes.groupStep(g)) * theta * ROUNDED <= bound * sum;
        large |= !(theta < LARGE);
        thetas[g] = theta;
      }
    }
    return fine;
  }

  /** The slots of a group whose digits weigh the same, and of what its steps add up to the largest and the sum, in {@code extent}. */
  private static void sameDigits(float[] row, char[] channels, float most, int from, int to, float[] slots, float[] extent) {
    float largest = 0;
    float sum = 0;
    for (int s = from; s < to; s += SLOTS) {
      float a = row[channels[s]];
      float b = row[channels[s + 1]];
      float c = row[channels[s + 2]];
      float d = row[channels[s + 3]];
      slots[s] = a;
      slots[s + 1] = b;
      slots[s + 2] = c;
      slots[s + 3] = d;
      float size = Math.abs(a) + Math.abs(b) + (Math.abs(c) + Math.abs(d));
      largest = size > largest ? size : largest;
      sum += size;
    }
    extent[0] = most * largest;
    extent[1] = most * sum;
  }

  private static void digits(float[] row, TernaryCodes codes, int from, int to, float[] slots, float[] extent) {
    float largest = 0;
    float sum = 0;
    for (int s = from; s < to; s += SLOTS) {
      for (int i = s; i < s + SLOTS; i++) {
        slots[i] = row[codes.channels[i]] * codes.weights[i];
      }
      float size = size(slots, codes.most, s);
      largest = size > largest ? size : largest;
      sum += size;
    }
    extent[0] = largest;
    extent[1] = sum;
  }

  /** The largest that a step may add up to. */
  private static float size(float[] slots, float[] most, int slot) {
    float size = 0;
    for (int i = slot; i < slot + SLOTS; i++) {
      size += Math.abs(slots[i]) * most[i];
    }
    return size;
  }

  /** Slots of floats as integers. Units are powers of two, by which nothing is rounded. */
  private void integers(TernaryCodes codes, int first, int last) {
    for (int g = first; g < last; g++) {
      float largest = 0;
      for (int s = codes.groupStep(g) * SLOTS; s < codes.stepEnds[g] * SLOTS; s += SLOTS) {
        largest = Math.max(largest, size(slots, codes.most, s));
      }
      int exponent = Math.max(Math.getExponent(LEAST), Math.getExponent(largest) + 1 - FLOAT_BITS);
      thetas[g] = Float.isNaN(thetas[g]) ? Float.NaN : Math.scalb(1f, exponent);
      float inverse = Math.scalb(1f, -exponent);
      for (int i = codes.groupStep(g) * SLOTS; i < codes.stepEnds[g] * SLOTS; i++) {
        integers[i] = (int) Math.rint(slots[i] * inverse);
      }
    }
  }

  /** Makes the tables of a piece: those of one class after another. */
  void fill(TernaryCodes codes, int piece) {
    int group = codes.pieceGroups[piece];
    int end = codes.pieceGroups[piece + 1];
    int step = codes.groupStep(group);
    for (int at = 0; group < end && kind != Kind.LONGS; ) {
      int c = codes.classOf(group);
      group = Math.min(end, codes.classGroups[c + 1]);
      int steps = codes.groupStep(group) - step;
      fill(codes.digits[c], codes.factors[c], step * SLOTS, steps, at);
      step += steps;
      at += steps * STEP;
    }
  }

  private void fill(TrainDigits digits, TableFactors factors, int first, int steps, int at) {
    if (kind == Kind.QUADS) {
      for (int half = 0; half < 2; half++) {
        lower(integers, first, factors.ints(), half * HALF * SLOTS, steps, low, at + half * HALF);
        upper(integers, first, factors.ints(), half * HALF * SLOTS, steps, high, at + half * HALF);
      }
    } else if (digits.perIndex() == SLOTS) {
      fours(slots, first, factors.floats(), steps, low, at);
    } else {
      threes(slots, first, factors.floats(), 0, steps, low, at);
      threes(slots, first, factors.floats(), HALF * SLOTS, steps, low, at + HALF);
    }
  }

  /**
   * Half of the entries of tables of up to three digits, of which {@code factors} has those of each vector side by side,
   * [SLOTS][4][LANES]. Written out, and so too long to be inlined, as {@link #fours} is: in a large caller C2 stops inlining
   * midway and makes objects of vectors. Of a slice that is made here C2 knows what memory it is in, and does not ask at every
   * store.
   */
  private static void threes(float[] slots, int slot, float[] factors, int f, int steps, MemorySegment tables, long at) {
    MemorySegment part = tables.asSlice(at);
    for (int s = 0; s < steps; s++) {
      FloatVector a = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS]);
      FloatVector b = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS + 1]);
      FloatVector c = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS + 2]);
      FloatVector s0 = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, f));
      FloatVector s1 = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, f + LANES));
      FloatVector s2 = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, f + 2 * LANES));
      FloatVector s3 = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, f + 3 * LANES));
      s0 = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, f + HALF), s0);
      s1 = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, f + HALF + LANES), s1);
      s2 = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, f + HALF + 2 * LANES), s2);
      s3 = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, f + HALF + 3 * LANES), s3);
      s0 = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, f + 2 * HALF), s0);
      s1 = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, f + 2 * HALF + LANES), s1);
      s2 = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, f + 2 * HALF + 2 * LANES), s2);
      s3 = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, f + 2 * HALF + 3 * LANES), s3);
      IntVector i0 = s0.add(INTEGER).reinterpretAsInts();
      IntVector i1 = s1.add(INTEGER).reinterpretAsInts();
      IntVector i2 = s2.add(INTEGER).reinterpretAsInts();
      IntVector i3 = s3.add(INTEGER).reinterpretAsInts();
      store(i0, i1, i2, i3, part, (long) STEP * s);
    }
  }

  /** Tables of four digits: those of three, less the fourth activation, as they are, and with it. */
  private static void fours(float[] slots, int slot, float[] factors, int steps, MemorySegment tables, long at) {
    MemorySegment part = tables.asSlice(at);
    for (int s = 0; s < steps; s++) {
      FloatVector a = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS]);
      FloatVector b = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS + 1]);
      FloatVector c = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS + 2]);
      FloatVector d = FloatVector.broadcast(Lanes.FLOATS, slots[slot + s * SLOTS + 3]);
      FloatVector first = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, 0));
      first = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, HALF), first);
      first = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, 2 * HALF), first);
      FloatVector second = a.mul(FloatVector.fromArray(Lanes.FLOATS, factors, LANES));
      second = DenseTile.fma(b, FloatVector.fromArray(Lanes.FLOATS, factors, HALF + LANES), second);
      second = DenseTile.fma(c, FloatVector.fromArray(Lanes.FLOATS, factors, 2 * HALF + LANES), second);
      IntVector i0 = first.sub(d).add(INTEGER).reinterpretAsInts();
      IntVector i1 = second.sub(d).add(INTEGER).reinterpretAsInts();
      IntVector i2 = first.add(INTEGER).reinterpretAsInts();
      IntVector i3 = second.add(INTEGER).reinterpretAsInts();
      store(i0, i1, i2, i3, part, (long) STEP * s);
      i0 = first.add(d).add(INTEGER).reinterpretAsInts();
      i1 = second.add(d).add(INTEGER).reinterpretAsInts();
      IntVector lower = i0.and(0xff).or(i1.and(0xff).lanewise(LSHL, 8));
      lower.reinterpretAsBytes().intoMemorySegment(part, (long) STEP * s + HALF, Lanes.ORDER);
      IntVector upper = i0.lanewise(LSHR, 8).and(0xff).or(i1.and(0xff00));
      upper.reinterpretAsBytes().intoMemorySegment(part, (long) STEP * s + HALF + ENTRIES, Lanes.ORDER);
    }
  }

  /** The lower and the upper bytes of 16 bits, side by side again. */
  private static void store(IntVector i0, IntVector i1, IntVector i2, IntVector i3, MemorySegment tables, long at) {
    IntVector even = i0.and(0xffff).or(i2.lanewise(LSHL, 16));
    IntVector odd = i1.and(0xffff).or(i3.lanewise(LSHL, 16));
    IntVector lower = even.and(0x00ff00ff).or(odd.and(0x00ff00ff).lanewise(LSHL, 8));
    lower.reinterpretAsBytes().intoMemorySegment(tables, at, Lanes.ORDER);
    IntVector upper = even.lanewise(LSHR, 8).and(0x00ff00ff).or(odd.and(0xff00ff00));
    upper.reinterpretAsBytes().intoMemorySegment(tables, at + ENTRIES, Lanes.ORDER);
  }

  private static void lower(int[] slots, int slot, int[] factors, int f, int steps, MemorySegment tables, long at) {
    for (int s = 0; s < steps; s++) {
      IntVector i0 = sum(slots, slot + s * SLOTS, factors, f).add(BIAS);
      IntVector i1 = sum(slots, slot + s * SLOTS, factors, f + LANES).add(BIAS);
      IntVector i2 = sum(slots, slot + s * SLOTS, factors, f + 2 * LANES).add(BIAS);
      IntVector i3 = sum(slots, slot + s * SLOTS, factors, f + 3 * LANES).add(BIAS);
      store(i0, i1, i2, i3, tables, at + (long) STEP * s);
    }
  }

  /** What is left of the sums without their lower 16 bits. */
  private static void upper(int[] slots, int slot, int[] factors, int f, int steps, MemorySegment tables, long at) {
    for (int s = 0; s < steps; s++) {
      IntVector i0 = sum(slots, slot + s * SLOTS, factors, f).add(BIAS).lanewise(ASHR, Short.SIZE).add(BIAS);
      IntVector i1 = sum(slots, slot + s * SLOTS, factors, f + LANES).add(BIAS).lanewise(ASHR, Short.SIZE).add(BIAS);
      IntVector i2 = sum(slots, slot + s * SLOTS, factors, f + 2 * LANES).add(BIAS).lanewise(ASHR, Short.SIZE).add(BIAS);
      IntVector i3 = sum(slots, slot + s * SLOTS, factors, f + 3 * LANES).add(BIAS).lanewise(ASHR, Short.SIZE).add(BIAS);
      store(i0, i1, i2, i3, tables, at + (long) STEP * s);
    }
  }

  private static IntVector sum(int[] slots, int s, int[] factors, int f) {
    return IntVector.fromArray(Lanes.INTS, factors, f).mul(slots[s])
        .add(IntVector.fromArray(Lanes.INTS, factors, f + HALF).mul(slots[s + 1]))
        .add(IntVector.fromArray(Lanes.INTS, factors, f + 2 * HALF).mul(slots[s + 2]))
        .add(IntVector.fromArray(Lanes.INTS, factors, f + 3 * HALF).mul(slots[s + 3]));
  }
}
