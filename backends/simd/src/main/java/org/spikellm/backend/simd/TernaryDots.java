package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.spikellm.api.Tensor;

/**
 * Sums of every group of a piece, of a block of rows for one token: each row looks up in {@link TernaryTables} what three digits add up
 * to, and adds it. Nothing is multiplied. In floats and ints a look-up picks from two vectors, and each lane of codes gives two rows; in
 * shorts it picks from one vector, for both rows at once.
 *
 * <p>One loop runs over the steps of all groups, for groups are short; what is past the last one is in no use. The methods are near the
 * size up to which C2 inlines vectors; past it all vectors would be objects.
 */
final class TernaryDots {

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int V = Lanes.BYTES;
  private static final int ENTRIES = TrainDigits.ENTRIES;
  private static final int STEP = TernaryCodes.LOOKUPS * ENTRIES;

  private TernaryDots() {}

  /** The sums of a block, F32 [2][groups of the piece][BLOCK]; integers are rounded to float once. */
  static void sums(TernaryCodes codes, int piece, int block, TernaryTables tables, float[] sums, Scratch scratch) {
    int group = codes.pieceGroups[piece];
    int groups = codes.pieceGroups[piece + 1] - group;
    int step = codes.groupStep(group);
    int steps = codes.pieceSteps(piece);
    long at = codes.block(piece, block);
    switch (tables.kind) {
      case FLOATS -> floats(codes.memory, at, step, steps, codes.stepEnds, group, tables.ints, sums, groups * BLOCK);
      case SHORTS -> {
        int first = tables.groupPart(group);
        int parts = tables.groupPart(group + groups) - first;
        short[] sumsOfParts = scratch.shorts(2 * parts * BLOCK);
        shorts(codes.memory, at, step, steps, tables.partEnds, first, tables.shorts, sumsOfParts, parts * BLOCK);
        widen(sumsOfParts, 0, tables.groupParts, first, group, groups, sums, 0);
        widen(sumsOfParts, parts * BLOCK, tables.groupParts, first, group, groups, sums, groups * BLOCK);
      }
      case INTS -> {
        int[] dots = scratch.dots(2 * groups * BLOCK);
        ints(codes.memory, at, step, steps, codes.stepEnds, group, tables.ints, dots, groups * BLOCK);
        for (int i = 0; i < 2 * groups * BLOCK; i += LANES) {
          ((FloatVector) IntVector.fromArray(Lanes.INTS, dots, i).convert(I2F, 0)).intoArray(sums, i);
        }
      }
      case LONGS -> longs(codes, piece, at, tables.longs, sums);
    }
  }

  private static IntVector load(MemorySegment codes, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, codes, at, Lanes.ORDER);
  }

  private static FloatVector pick(IntVector index, IntVector low, IntVector high) {
    return index.selectFrom(low, high).reinterpretAsFloats();
  }

  private static IntVector table(int[] tables, int at) {
    return IntVector.fromArray(Lanes.INTS, tables, at);
  }

  private static void floats(MemorySegment codes, long at, int first, int steps, int[] ends, int group, int[] tables, float[] sums,
      int length) {
    int g = group;
    int end = ends[g] - first;
    int table = first * STEP;
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int s = 0; s < steps; s++) {
      IntVector x = load(codes, at + 2L * V * s);
      IntVector y = load(codes, at + 2L * V * s + V);
      IntVector low = table(tables, table + s * STEP);
      IntVector high = table(tables, table + s * STEP + LANES);
      a0 = a0.add(pick(x, low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 16), low, high));
      b0 = b0.add(pick(y, low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 16), low, high));
      low = table(tables, table + s * STEP + ENTRIES);
      high = table(tables, table + s * STEP + ENTRIES + LANES);
      a0 = a0.add(pick(x.lanewise(LSHR, 5), low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 21), low, high));
      b0 = b0.add(pick(y.lanewise(LSHR, 5), low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 21), low, high));
      low = table(tables, table + s * STEP + 2 * ENTRIES);
      high = table(tables, table + s * STEP + 2 * ENTRIES + LANES);
      a0 = a0.add(pick(x.lanewise(LSHR, 10), low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 26), low, high));
      b0 = b0.add(pick(y.lanewise(LSHR, 10), low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 26), low, high));
      if (s + 1 == end) {
        int to = (g - group) * BLOCK;
        a0.intoArray(sums, to);
        a1.intoArray(sums, to + LANES);
        b0.intoArray(sums, to + length);
        b1.intoArray(sums, to + length + LANES);
        a0 = FloatVector.zero(Lanes.FLOATS);
        a1 = a0;
        b0 = a0;
        b1 = a0;
        end = ends[++g] - first;
      }
    }
  }

  private static void ints(MemorySegment codes, long at, int first, int steps, int[] ends, int group, int[] tables, int[] sums,
      int length) {
    int g = group;
    int end = ends[g] - first;
    int table = first * STEP;
    IntVector a0 = IntVector.zero(Lanes.INTS);
    IntVector a1 = a0;
    IntVector b0 = a0;
    IntVector b1 = a0;
    for (int s = 0; s < steps; s++) {
      IntVector x = load(codes, at + 2L * V * s);
      IntVector y = load(codes, at + 2L * V * s + V);
      IntVector low = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP);
      IntVector high = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP + LANES);
      a0 = a0.add(x.selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 16).selectFrom(low, high));
      b0 = b0.add(y.selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 16).selectFrom(low, high));
      low = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP + ENTRIES);
      high = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP + ENTRIES + LANES);
      a0 = a0.add(x.lanewise(LSHR, 5).selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 21).selectFrom(low, high));
      b0 = b0.add(y.lanewise(LSHR, 5).selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 21).selectFrom(low, high));
      low = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP + 2 * ENTRIES);
      high = IntVector.fromArray(Lanes.INTS, tables, table + s * STEP + 2 * ENTRIES + LANES);
      a0 = a0.add(x.lanewise(LSHR, 10).selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 26).selectFrom(low, high));
      b0 = b0.add(y.lanewise(LSHR, 10).selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 26).selectFrom(low, high));
      if (s + 1 == end) {
        int to = (g - group) * BLOCK;
        a0.intoArray(sums, to);
        a1.intoArray(sums, to + LANES);
        b0.intoArray(sums, to + length);
        b1.intoArray(sums, to + length + LANES);
        a0 = IntVector.zero(Lanes.INTS);
        a1 = a0;
        b0 = a0;
        b1 = a0;
        end = ends[++g] - first;
      }
    }
  }

  private static ShortVector loadShorts(MemorySegment codes, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, codes, at, Lanes.ORDER);
  }

  /** {@code sums} is [2][parts of the piece][BLOCK shorts], rows i and i + LANES side by side. */
  private static void shorts(MemorySegment codes, long at, int first, int steps, int[] ends, int firstPart, short[] tables, short[] sums,
      int length) {
    int part = firstPart;
    int end = ends[part] - first;
    int table = first * STEP;
    ShortVector a = ShortVector.zero(Lanes.SHORTS);
    ShortVector b = a;
    for (int s = 0; s < steps; s++) {
      ShortVector x = loadShorts(codes, at + 2L * V * s);
      ShortVector y = loadShorts(codes, at + 2L * V * s + V);
      ShortVector sumsOf = ShortVector.fromArray(Lanes.SHORTS, tables, table + s * STEP);
      a = a.add(x.selectFrom(sumsOf));
      b = b.add(y.selectFrom(sumsOf));
      sumsOf = ShortVector.fromArray(Lanes.SHORTS, tables, table + s * STEP + ENTRIES);
      a = a.add(x.lanewise(LSHR, 5).selectFrom(sumsOf));
      b = b.add(y.lanewise(LSHR, 5).selectFrom(sumsOf));
      sumsOf = ShortVector.fromArray(Lanes.SHORTS, tables, table + s * STEP + 2 * ENTRIES);
      a = a.add(x.lanewise(LSHR, 10).selectFrom(sumsOf));
      b = b.add(y.lanewise(LSHR, 10).selectFrom(sumsOf));
      if (s + 1 == end) {
        int to = (part - firstPart) * BLOCK;
        a.intoArray(sums, to);
        b.intoArray(sums, to + length);
        a = ShortVector.zero(Lanes.SHORTS);
        b = a;
        end = ends[++part] - first;
      }
    }
  }

  /** Adds up the parts of each group of half a block. */
  private static void widen(short[] parts, int from, int[] groupParts, int firstPart, int group, int groups, float[] sums, int to) {
    for (int g = 0, part = firstPart; g < groups; g++) {
      IntVector low = IntVector.zero(Lanes.INTS);
      IntVector high = low;
      for (; part < groupParts[group + g]; part++) {
        IntVector both = ShortVector.fromArray(Lanes.SHORTS, parts, from + (part - firstPart) * BLOCK).reinterpretAsInts();
        low = low.add(both.lanewise(LSHL, 16).lanewise(ASHR, 16));
        high = high.add(both.lanewise(ASHR, 16));
      }
      ((FloatVector) low.convert(I2F, 0)).intoArray(sums, to + g * BLOCK);
      ((FloatVector) high.convert(I2F, 0)).intoArray(sums, to + g * BLOCK + LANES);
    }
  }

  /** Without tables and vectors: integers that pass 32 bits, of activations that no pipeline makes. */
  private static void longs(TernaryCodes codes, int piece, long at, long[] activations, float[] sums) {
    int group = codes.pieceGroups[piece];
    int groups = codes.pieceGroups[piece + 1] - group;
    for (int g = 0, c = 0; g < groups; g++) {
      while (group + g >= codes.classGroups[c + 1]) {
        c++;
      }
      for (int row = 0; row < TernaryCodes.ROWS; row++) {
        int half = row / BLOCK;
        long place = at + half * V + row % LANES * 4L + (row % BLOCK < LANES ? 0 : 2);
        sums[(half * groups + g) * BLOCK + row % BLOCK] = longSum(codes, place, codes.groupStep(group), codes.digits[c], group + g, activations);
      }
    }
  }

  /** The sum of one row, whose first step lies at byte {@code at}. */
  private static long longSum(TernaryCodes codes, long at, int first, TrainDigits digits, int group, long[] activations) {
    long sum = 0;
    for (int s = codes.groupStep(group); s < codes.stepEnds[group]; s++) {
      int step = codes.memory.get(Tensor.SHORT, at + 2L * V * (s - first));
      for (int slot = 0; slot < TernaryCodes.SLOTS; slot++) {
        int place = codes.places[s * TernaryCodes.SLOTS + slot];
        if (place < codes.columns) {
          int index = step >>> slot / TrainDigits.SLOTS * TernaryCodes.INDEX_BITS & ENTRIES - 1;
          sum += activations[place] * codes.weights[s * TernaryCodes.SLOTS + slot] * digits.factor(slot % TrainDigits.SLOTS, index);
        }
      }
    }
    return sum;
  }
}
