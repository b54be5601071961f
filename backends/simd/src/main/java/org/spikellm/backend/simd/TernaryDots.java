package org.spikellm.backend.simd;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.spikellm.api.Tensor;

/**
 * Adds a piece of a block of rows for one token: each row looks up in {@link TernaryTables} what some columns add up to. A vector of 64
 * indices picks 64 lower bytes and 64 upper ones. Two neighbours, taken as 16 bits, are added at once: both (the second times 256) to
 * one sum, and the second, shifted, to another, which leaves what the first add up to. The only product is that with a group's scale.
 *
 * <p>{@link #pairs} is written out: where C2 inlines as many vectors from other methods it makes objects of them. Its loop over the steps
 * of a group has nothing else in it, so that C2 asks before it, and not at each step, whether memory may be accessed.
 */
final class TernaryDots {

  private static final int LANES = Lanes.COUNT;
  private static final int V = Lanes.BYTES;
  private static final int ROWS = TernaryCodes.ROWS;
  private static final int HALF = TrainDigits.ENTRIES / 2;
  private static final int STEP = TernaryTables.STEP;

  /** What F16 bits at the places of a float's are too small by. */
  static final float HALF_SCALE = 0x1p112f;

  static final int HALF_BITS = 0x8fffe000;

  /** What sums of upper bytes begin with for each step, as bytes are not negative; and where that is of both neighbours. */
  private static final int BIAS = -TernaryTables.BIAS >> 8;
  private static final int BOTH_BIAS = BIAS * 0x101;

  private TernaryDots() {}

  /** {@code out[to .. to + ROWS − 1] += sum · (θ · scale)} for each of some blocks, group after group of a piece. */
  static void add(TernaryCodes codes, int piece, int firstBlock, int lastBlock, TernaryTables tables, float[] out, int to,
      Scratch scratch) {
    int steps = codes.steps(piece);
    if (steps == 0) {
      return;
    }
    int group = codes.pieceGroups[piece];
    if (tables.kind == TernaryTables.Kind.PAIRS && codes.shortGroups && codes.halfScales && !tables.large) {
      for (int block = firstBlock, end; block < lastBlock; block = end) {
        end = Math.min(lastBlock, codes.sliceEnd(block));
        tables.touched += pairs(codes.memory, codes.block(piece, block), end - block, codes.groupStep(group), steps, codes.stepEnds, group,
            tables.low, tables.thetas, out, to + (block - firstBlock) * ROWS);
      }
      return;
    }
    for (int block = firstBlock; block < lastBlock; block++) {
      apart(codes, piece, block, tables, out, to + (block - firstBlock) * ROWS, scratch);
    }
  }

  /**
   * The usual case in one pass over what lies from byte {@code step} on: blocks of a piece and a slice.
   *
   * @return what was read ahead, so that it is read
   */
  private static int pairs(MemorySegment codes, long step, int blocks, int first, int steps, int[] ends, int group,
      MemorySegment tables, float[] thetas, float[] out, int to) {
    int one = Lanes.one;
    int touched = 0;
    for (int block = 0; block < blocks; block++) {
      int start = 0;
      for (int g = group; start < steps; g++) {
        int end = ends[g] - first;
        int length = end - start;
        long table = (long) STEP * start;
        ShortVector lowBoth0 = ShortVector.zero(Lanes.SHORTS);
        ShortVector low0 = lowBoth0;
        ShortVector lowBoth1 = lowBoth0;
        ShortVector low1 = lowBoth0;
        ShortVector high0 = ShortVector.broadcast(Lanes.SHORTS, (short) (length * BIAS));
        ShortVector highBoth0 = ShortVector.broadcast(Lanes.SHORTS, (short) (length * BOTH_BIAS));
        ShortVector high1 = high0;
        ShortVector highBoth1 = highBoth0;
        for (int s = 0; s < length; s += one) {
          touched += Lanes.READS_AHEAD ? codes.get(Tensor.INT, step + 2L * V * (s + 1)) : 0;
          ByteVector x = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, codes, step + 2L * V * s, Lanes.ORDER);
          ByteVector y = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, codes, step + 2L * V * s + V, Lanes.ORDER);
          ByteVector t0 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + (long) STEP * s, Lanes.ORDER);
          ByteVector t1 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + (long) STEP * s + HALF, Lanes.ORDER);
          ShortVector p = x.selectFrom(t0, t1).reinterpretAsShorts();
          ShortVector q = y.selectFrom(t0, t1).reinterpretAsShorts();
          lowBoth0 = lowBoth0.add(p);
          low0 = low0.add(p.lanewise(LSHR, 8));
          lowBoth1 = lowBoth1.add(q);
          low1 = low1.add(q.lanewise(LSHR, 8));
          t0 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + (long) STEP * s + 2 * HALF, Lanes.ORDER);
          t1 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + (long) STEP * s + 3 * HALF, Lanes.ORDER);
          p = x.selectFrom(t0, t1).reinterpretAsShorts();
          q = y.selectFrom(t0, t1).reinterpretAsShorts();
          highBoth0 = highBoth0.add(p);
          high0 = high0.add(p.lanewise(LSHR, 8));
          highBoth1 = highBoth1.add(q);
          high1 = high1.add(q.lanewise(LSHR, 8));
        }
        start = end;
        step += 2L * V * length;
        FloatVector theta = FloatVector.broadcast(Lanes.FLOATS, thetas[g] * HALF_SCALE);
        IntVector l = lowBoth0.sub(low0.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector h = highBoth0.sub(high0.lanewise(LSHL, 8)).reinterpretAsInts();
        IntVector f = IntVector.fromMemorySegment(Lanes.INTS, codes, step, Lanes.ORDER);
        FloatVector u = f.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        FloatVector w = f.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        u = ((FloatVector) h.lanewise(LSHL, 16).lanewise(ASHR, 8).add(l.and(0xffff)).convert(I2F, 0)).mul(u);
        w = ((FloatVector) h.and(0xffff0000).lanewise(ASHR, 8).add(l.lanewise(LSHR, 16)).convert(I2F, 0)).mul(w);
        FloatVector.fromArray(Lanes.FLOATS, out, to).add(u).intoArray(out, to);
        FloatVector.fromArray(Lanes.FLOATS, out, to + LANES).add(w).intoArray(out, to + LANES);

        l = low0.reinterpretAsInts();
        h = high0.reinterpretAsInts();
        f = IntVector.fromMemorySegment(Lanes.INTS, codes, step + V, Lanes.ORDER);
        u = f.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        w = f.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        u = ((FloatVector) h.lanewise(LSHL, 16).lanewise(ASHR, 8).add(l.and(0xffff)).convert(I2F, 0)).mul(u);
        w = ((FloatVector) h.and(0xffff0000).lanewise(ASHR, 8).add(l.lanewise(LSHR, 16)).convert(I2F, 0)).mul(w);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 2 * LANES).add(u).intoArray(out, to + 2 * LANES);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 3 * LANES).add(w).intoArray(out, to + 3 * LANES);

        l = lowBoth1.sub(low1.lanewise(LSHL, 8)).reinterpretAsInts();
        h = highBoth1.sub(high1.lanewise(LSHL, 8)).reinterpretAsInts();
        f = IntVector.fromMemorySegment(Lanes.INTS, codes, step + 2 * V, Lanes.ORDER);
        u = f.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        w = f.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        u = ((FloatVector) h.lanewise(LSHL, 16).lanewise(ASHR, 8).add(l.and(0xffff)).convert(I2F, 0)).mul(u);
        w = ((FloatVector) h.and(0xffff0000).lanewise(ASHR, 8).add(l.lanewise(LSHR, 16)).convert(I2F, 0)).mul(w);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 4 * LANES).add(u).intoArray(out, to + 4 * LANES);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 5 * LANES).add(w).intoArray(out, to + 5 * LANES);

        l = low1.reinterpretAsInts();
        h = high1.reinterpretAsInts();
        f = IntVector.fromMemorySegment(Lanes.INTS, codes, step + 3 * V, Lanes.ORDER);
        u = f.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        w = f.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(theta);
        u = ((FloatVector) h.lanewise(LSHL, 16).lanewise(ASHR, 8).add(l.and(0xffff)).convert(I2F, 0)).mul(u);
        w = ((FloatVector) h.and(0xffff0000).lanewise(ASHR, 8).add(l.lanewise(LSHR, 16)).convert(I2F, 0)).mul(w);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 6 * LANES).add(u).intoArray(out, to + 6 * LANES);
        FloatVector.fromArray(Lanes.FLOATS, out, to + 7 * LANES).add(w).intoArray(out, to + 7 * LANES);

        step += 4L * V;
      }
      to += ROWS;
    }
    return touched;
  }

  /** What does not fit {@link #pairs}: sums of each group first, and all of them times their scales then. */
  private static void apart(TernaryCodes codes, int piece, int block, TernaryTables tables, float[] out, int to, Scratch scratch) {
    int group = codes.pieceGroups[piece];
    int groups = codes.groups(piece);
    float[] sums = scratch.b(groups * ROWS);
    int[] lower = scratch.digits(groups * ROWS);
    int[] upper = scratch.pairs(groups * ROWS);
    switch (tables.kind) {
      case PAIRS -> {
        integers(codes, piece, block, tables.low, lower, scratch);
        for (int i = 0; i < groups * ROWS; i++) {
          sums[i] = lower[i];
        }
      }
      case QUADS -> {
        integers(codes, piece, block, tables.low, lower, scratch);
        integers(codes, piece, block, tables.high, upper, scratch);
        for (int i = 0; i < groups * ROWS; i++) {
          sums[i] = (float) (upper[i] * 0x1p16 + lower[i]);
        }
      }
      case LONGS -> longs(codes, piece, codes.block(piece, block), tables.longs, sums);
    }
    float[] scales = scratch.c(ROWS);
    for (int g = 0; g < groups; g++) {
      long at = codes.block(piece, block) + codes.scales(piece, group + g);
      if (codes.halfScales) {
        halves(codes.memory, at, scales, ROWS);
      } else {
        MemorySegment.copy(codes.memory, Tensor.FLOAT, at, scales, 0, ROWS);
      }
      FloatVector theta = FloatVector.broadcast(Lanes.FLOATS, tables.thetas[group + g]);
      for (int i = 0; i < ROWS; i += LANES) {
        FloatVector scale = FloatVector.fromArray(Lanes.FLOATS, scales, i).mul(theta);
        FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, sums, g * ROWS + i).mul(scale);
        FloatVector.fromArray(Lanes.FLOATS, out, to + i).add(sum).intoArray(out, to + i);
      }
    }
  }

  /** F16 scales of some rows, as {@link TernaryCodes} has them. */
  static void halves(MemorySegment memory, long at, float[] scales, int rows) {
    for (int i = 0; i < rows; i += 2 * LANES) {
      IntVector both = IntVector.fromMemorySegment(Lanes.INTS, memory, at + 2L * i, Lanes.ORDER);
      both.lanewise(LSHL, 16).lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE).intoArray(scales, i);
      both.lanewise(ASHR, 3).and(HALF_BITS).reinterpretAsFloats().mul(HALF_SCALE).intoArray(scales, i + LANES);
    }
  }

  /** What all groups of a piece add up to, [groups][ROWS]. */
  private static void integers(TernaryCodes codes, int piece, int block, MemorySegment tables, int[] sums, Scratch scratch) {
    int[] parts = scratch.dots(ROWS);
    long at = codes.block(piece, block);
    int group = codes.pieceGroups[piece];
    int first = codes.groupStep(group);
    Arrays.fill(sums, 0, codes.groups(piece) * ROWS, 0);
    for (int g = 0; g < codes.groups(piece); g++) {
      int start = codes.groupStep(group + g);
      int end = codes.stepEnds[group + g];
      long ofGroup = at + codes.group(piece, group + g);
      for (int s = start; s < end; s += TernaryCodes.PART_STEPS) {
        int steps = Math.min(TernaryCodes.PART_STEPS, end - s);
        part(codes.memory, ofGroup + (long) (s - start) * ROWS, steps, tables, (s - first) * STEP, parts);
        for (int i = 0; i < ROWS; i += 2 * LANES) {
          widen(parts, i, sums, g * ROWS + i);
        }
      }
    }
  }

  /** Sums of some steps of one group: 16 bits of the lower bytes, and of the upper ones, of 32 rows at a time. */
  private static void part(MemorySegment codes, long at, int steps, MemorySegment tables, int table, int[] sums) {
    for (int half = 0; half < 2; half++) {
      ShortVector lowBoth = ShortVector.zero(Lanes.SHORTS);
      ShortVector low = lowBoth;
      ShortVector high = ShortVector.broadcast(Lanes.SHORTS, (short) (steps * BIAS));
      ShortVector highBoth = ShortVector.broadcast(Lanes.SHORTS, (short) (steps * BOTH_BIAS));
      for (int s = 0; s < steps; s++) {
        ByteVector x = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, codes, at + 2L * V * s + half * V, Lanes.ORDER);
        ByteVector t0 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + s * STEP, Lanes.ORDER);
        ByteVector t1 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + s * STEP + HALF, Lanes.ORDER);
        ShortVector p = x.selectFrom(t0, t1).reinterpretAsShorts();
        lowBoth = lowBoth.add(p);
        low = low.add(p.lanewise(LSHR, 8));
        t0 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + s * STEP + 2 * HALF, Lanes.ORDER);
        t1 = ByteVector.fromMemorySegment(Lanes.BYTE_LANES, tables, table + s * STEP + 3 * HALF, Lanes.ORDER);
        p = x.selectFrom(t0, t1).reinterpretAsShorts();
        highBoth = highBoth.add(p);
        high = high.add(p.lanewise(LSHR, 8));
      }
      lowBoth.sub(low.lanewise(LSHL, 8)).reinterpretAsInts().intoArray(sums, half * V);
      highBoth.sub(high.lanewise(LSHL, 8)).reinterpretAsInts().intoArray(sums, half * V + LANES);
      low.reinterpretAsInts().intoArray(sums, half * V + 2 * LANES);
      high.reinterpretAsInts().intoArray(sums, half * V + 3 * LANES);
    }
  }

  /** Adds the integers of 32 rows. */
  private static void widen(int[] parts, int from, int[] whole, int to) {
    IntVector l = IntVector.fromArray(Lanes.INTS, parts, from);
    IntVector h = IntVector.fromArray(Lanes.INTS, parts, from + LANES);
    IntVector sum = h.lanewise(LSHL, 16).lanewise(ASHR, 8).add(l.and(0xffff));
    IntVector.fromArray(Lanes.INTS, whole, to).add(sum).intoArray(whole, to);
    sum = h.and(0xffff0000).lanewise(ASHR, 8).add(l.lanewise(LSHR, 16));
    IntVector.fromArray(Lanes.INTS, whole, to + LANES).add(sum).intoArray(whole, to + LANES);
  }

  /** Without tables and vectors: integers that pass 32 bits, of activations that no pipeline makes. */
  private static void longs(TernaryCodes codes, int piece, long at, long[] activations, float[] sums) {
    int group = codes.pieceGroups[piece];
    for (int g = 0; g < codes.groups(piece); g++) {
      TrainDigits digits = codes.digits[codes.classOf(group + g)];
      for (int row = 0; row < ROWS; row++) {
        long first = at + codes.group(piece, group + g) + TernaryCodes.place(row);
        sums[g * ROWS + row] = longSum(codes, first, digits, group + g, activations);
      }
    }
  }

  /** The sum of one row over a group, whose first step lies at byte {@code at}. */
  private static long longSum(TernaryCodes codes, long at, TrainDigits digits, int group, long[] activations) {
    long sum = 0;
    int first = codes.groupStep(group);
    for (int s = codes.groupStep(group); s < codes.stepEnds[group]; s++) {
      int index = TrainDigits.entry(codes.memory.get(Tensor.BYTE, at + (long) ROWS * (s - first)));
      for (int slot = 0; slot < TernaryCodes.SLOTS; slot++) {
        int place = codes.places[s * TernaryCodes.SLOTS + slot];
        if (place < codes.columns) {
          sum += activations[place] * (int) codes.weights[s * TernaryCodes.SLOTS + slot] * digits.factor(slot, index);
        }
      }
    }
    return sum;
  }
}
