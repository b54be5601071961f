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
 * Sums of every group of four blocks of rows for one token: each row looks up in {@link TernaryTables} what three digits add up to,
 * and adds it. Nothing is multiplied. In floats and ints a look-up picks from two vectors, and each lane of codes gives two rows;
 * in shorts it picks from one vector, for both rows at once.
 *
 * <p>One loop runs over the steps of all groups, for groups are short; what is past the last one is in no use. The methods are at the
 * size up to which C2 inlines vectors; with a block more all vectors would be objects.
 */
final class TernaryDots {

  /** Blocks of a call. */
  static final int BLOCKS = 4;

  private static final int LANES = Lanes.COUNT;
  private static final int BLOCK = Lanes.BLOCK;
  private static final int V = Lanes.BYTES;
  private static final int ENTRIES = TrainDigits.ENTRIES;
  private static final int STEP = TernaryCodes.LOOKUPS * ENTRIES;

  private TernaryDots() {}

  /**
   * The sums of {@link #BLOCKS} blocks, F32 [BLOCKS][groups][BLOCK]; integers are rounded to float once.
   *
   * @param block the first block
   * @param stride blocks from one to the next
   * @param skip first blocks that nobody asks for
   */
  static void sums(TernaryCodes codes, int block, int stride, int skip, TernaryTables tables, float[] sums, Scratch scratch) {
    long first = block * codes.blockBytes();
    long far = stride * codes.blockBytes();
    int length = codes.groups * BLOCK;
    switch (tables.kind) {
      case FLOATS -> {
        for (int b = skip / 2 * 2; b < BLOCKS; b += 2) {
          floats(codes.memory, first + b * far, first + (b + 1) * far, codes.steps, codes.stepEnds, tables.ints, sums, b * length, length);
        }
      }
      case SHORTS -> {
        short[] parts = scratch.shorts(BLOCKS * tables.parts * BLOCK);
        shorts(codes.memory, first, far, codes.steps, tables.partEnds, tables.shorts, parts, tables.parts * BLOCK);
        for (int b = 0; b < BLOCKS; b++) {
          widen(parts, b * tables.parts, tables.groupParts, codes.groups, sums, b * length);
        }
      }
      case INTS -> {
        int[] dots = scratch.dots(BLOCKS * length);
        for (int b = skip / 2 * 2; b < BLOCKS; b += 2) {
          ints(codes.memory, first + b * far, first + (b + 1) * far, codes.steps, codes.stepEnds, tables.ints, dots, b * length, length);
        }
        for (int i = 0; i < BLOCKS * length; i += LANES) {
          ((FloatVector) IntVector.fromArray(Lanes.INTS, dots, i).convert(I2F, 0)).intoArray(sums, i);
        }
      }
      case LONGS -> {
        for (int b = skip; b < BLOCKS; b++) {
          longs(codes, block + b * stride, tables.longs, sums, b * length);
        }
      }
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

  private static void floats(MemorySegment codes, long first, long second, int steps, int[] ends, int[] tables, float[] sums, int to,
      int length) {
    int end = ends[0];
    int g = 0;
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    for (int s = 0; s < steps; s++) {
      IntVector x = load(codes, first + (long) s * V);
      IntVector y = load(codes, second + (long) s * V);
      IntVector low = table(tables, s * STEP);
      IntVector high = table(tables, s * STEP + LANES);
      a0 = a0.add(pick(x, low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 16), low, high));
      b0 = b0.add(pick(y, low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 16), low, high));
      low = table(tables, s * STEP + ENTRIES);
      high = table(tables, s * STEP + ENTRIES + LANES);
      a0 = a0.add(pick(x.lanewise(LSHR, 5), low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 21), low, high));
      b0 = b0.add(pick(y.lanewise(LSHR, 5), low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 21), low, high));
      low = table(tables, s * STEP + 2 * ENTRIES);
      high = table(tables, s * STEP + 2 * ENTRIES + LANES);
      a0 = a0.add(pick(x.lanewise(LSHR, 10), low, high));
      a1 = a1.add(pick(x.lanewise(LSHR, 26), low, high));
      b0 = b0.add(pick(y.lanewise(LSHR, 10), low, high));
      b1 = b1.add(pick(y.lanewise(LSHR, 26), low, high));
      if (s + 1 == end) {
        int at = to + g * BLOCK;
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + LANES);
        b0.intoArray(sums, at + length);
        b1.intoArray(sums, at + length + LANES);
        a0 = FloatVector.zero(Lanes.FLOATS);
        a1 = a0;
        b0 = a0;
        b1 = a0;
        end = ends[++g];
      }
    }
  }

  private static void ints(MemorySegment codes, long first, long second, int steps, int[] ends, int[] tables, int[] sums, int to,
      int length) {
    int end = ends[0];
    int g = 0;
    IntVector a0 = IntVector.zero(Lanes.INTS);
    IntVector a1 = a0;
    IntVector b0 = a0;
    IntVector b1 = a0;
    for (int s = 0; s < steps; s++) {
      IntVector x = load(codes, first + (long) s * V);
      IntVector y = load(codes, second + (long) s * V);
      IntVector low = IntVector.fromArray(Lanes.INTS, tables, s * STEP);
      IntVector high = IntVector.fromArray(Lanes.INTS, tables, s * STEP + LANES);
      a0 = a0.add(x.selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 16).selectFrom(low, high));
      b0 = b0.add(y.selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 16).selectFrom(low, high));
      low = IntVector.fromArray(Lanes.INTS, tables, s * STEP + ENTRIES);
      high = IntVector.fromArray(Lanes.INTS, tables, s * STEP + ENTRIES + LANES);
      a0 = a0.add(x.lanewise(LSHR, 5).selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 21).selectFrom(low, high));
      b0 = b0.add(y.lanewise(LSHR, 5).selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 21).selectFrom(low, high));
      low = IntVector.fromArray(Lanes.INTS, tables, s * STEP + 2 * ENTRIES);
      high = IntVector.fromArray(Lanes.INTS, tables, s * STEP + 2 * ENTRIES + LANES);
      a0 = a0.add(x.lanewise(LSHR, 10).selectFrom(low, high));
      a1 = a1.add(x.lanewise(LSHR, 26).selectFrom(low, high));
      b0 = b0.add(y.lanewise(LSHR, 10).selectFrom(low, high));
      b1 = b1.add(y.lanewise(LSHR, 26).selectFrom(low, high));
      if (s + 1 == end) {
        int at = to + g * BLOCK;
        a0.intoArray(sums, at);
        a1.intoArray(sums, at + LANES);
        b0.intoArray(sums, at + length);
        b1.intoArray(sums, at + length + LANES);
        a0 = IntVector.zero(Lanes.INTS);
        a1 = a0;
        b0 = a0;
        b1 = a0;
        end = ends[++g];
      }
    }
  }

  private static ShortVector loadShorts(MemorySegment codes, long at) {
    return ShortVector.fromMemorySegment(Lanes.SHORTS, codes, at, Lanes.ORDER);
  }

  /** {@code sums} is [4][parts][BLOCK shorts], rows i and i + LANES side by side. */
  private static void shorts(MemorySegment codes, long first, long far, int steps, int[] ends, short[] tables, short[] sums, int length) {
    int end = ends[0];
    int part = 0;
    ShortVector a = ShortVector.zero(Lanes.SHORTS);
    ShortVector b = a;
    ShortVector c = a;
    ShortVector d = a;
    long second = first + far;
    long third = second + far;
    long fourth = third + far;
    for (int s = 0; s < steps; s++) {
      ShortVector w = loadShorts(codes, first + (long) s * V);
      ShortVector x = loadShorts(codes, second + (long) s * V);
      ShortVector y = loadShorts(codes, third + (long) s * V);
      ShortVector z = loadShorts(codes, fourth + (long) s * V);
      ShortVector table = ShortVector.fromArray(Lanes.SHORTS, tables, s * STEP);
      a = a.add(w.selectFrom(table));
      b = b.add(x.selectFrom(table));
      c = c.add(y.selectFrom(table));
      d = d.add(z.selectFrom(table));
      table = ShortVector.fromArray(Lanes.SHORTS, tables, s * STEP + ENTRIES);
      a = a.add(w.lanewise(LSHR, 5).selectFrom(table));
      b = b.add(x.lanewise(LSHR, 5).selectFrom(table));
      c = c.add(y.lanewise(LSHR, 5).selectFrom(table));
      d = d.add(z.lanewise(LSHR, 5).selectFrom(table));
      table = ShortVector.fromArray(Lanes.SHORTS, tables, s * STEP + 2 * ENTRIES);
      a = a.add(w.lanewise(LSHR, 10).selectFrom(table));
      b = b.add(x.lanewise(LSHR, 10).selectFrom(table));
      c = c.add(y.lanewise(LSHR, 10).selectFrom(table));
      d = d.add(z.lanewise(LSHR, 10).selectFrom(table));
      if (s + 1 == end) {
        a.intoArray(sums, part * BLOCK);
        b.intoArray(sums, part * BLOCK + length);
        c.intoArray(sums, part * BLOCK + 2 * length);
        d.intoArray(sums, part * BLOCK + 3 * length);
        a = ShortVector.zero(Lanes.SHORTS);
        b = a;
        c = a;
        d = a;
        end = ends[++part];
      }
    }
  }

  /** Adds up the parts of each group of a block, from part {@code from} on. */
  private static void widen(short[] parts, int from, int[] groupParts, int groups, float[] sums, int to) {
    for (int g = 0, part = 0; g < groups; g++) {
      IntVector low = IntVector.zero(Lanes.INTS);
      IntVector high = low;
      for (; part < groupParts[g]; part++) {
        IntVector both = ShortVector.fromArray(Lanes.SHORTS, parts, (from + part) * BLOCK).reinterpretAsInts();
        low = low.add(both.lanewise(LSHL, 16).lanewise(ASHR, 16));
        high = high.add(both.lanewise(ASHR, 16));
      }
      ((FloatVector) low.convert(I2F, 0)).intoArray(sums, to + g * BLOCK);
      ((FloatVector) high.convert(I2F, 0)).intoArray(sums, to + g * BLOCK + LANES);
    }
  }

  /** Without tables and vectors: integers that pass 32 bits, of activations that no pipeline makes. */
  private static void longs(TernaryCodes codes, int block, long[] activations, float[] sums, int to) {
    for (int c = 0; c < codes.classes(); c++) {
      for (int g = codes.classGroups[c]; g < codes.classGroups[c + 1]; g++) {
        for (int lane = 0; lane < BLOCK; lane++) {
          sums[to + g * BLOCK + lane] = longSum(codes, block, codes.digits[c], g, lane, activations);
        }
      }
    }
  }

  private static long longSum(TernaryCodes codes, int block, TrainDigits digits, int group, int lane, long[] activations) {
    long sum = 0;
    for (int s = codes.groupStep(group); s < codes.stepEnds[group]; s++) {
      int step = codes.memory.get(Tensor.SHORT, block * codes.blockBytes() + (long) s * V + lane % LANES * 4L + (lane < LANES ? 0 : 2));
      for (int slot = 0; slot < TernaryCodes.SLOTS; slot++) {
        int place = codes.places[s * TernaryCodes.SLOTS + slot];
        if (place < codes.columns) {
          int index = step >>> slot / TrainDigits.SLOTS * 5 & ENTRIES - 1;
          sum += activations[place] * codes.weights[s * TernaryCodes.SLOTS + slot] * digits.factor(slot % TrainDigits.SLOTS, index);
        }
      }
    }
    return sum;
  }
}
