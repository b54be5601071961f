package org.spikellm.backend.simd;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * What a token's activations add up to for every index of {@link TernaryCodes}: a table of {@link TrainDigits#ENTRIES} sums for each
 * three digits, [steps][3][ENTRIES]. It is made once for all rows, whose products are then sums of what they look up.
 *
 * <p>Of counts the activation is {@code n − z}, exact, so that no zero point is left over. Sums are shorts where at least two steps
 * of them fit 16 bits, ints where a group's integer fits 32 bits, and else are not tabulated. Made for one token after another.
 */
final class TernaryTables {

  /** The type of the sums. */
  enum Kind { FLOATS, SHORTS, INTS, LONGS }

  private static final int ENTRIES = TrainDigits.ENTRIES;
  private static final int LANES = Lanes.COUNT;

  /** Fewer steps without a 16-bit overflow are not worth it. */
  private static final int MIN_SHORT_STEPS = 2;

  Kind kind;
  short[] shorts = {};
  /** Ints, or the bits of floats. */
  int[] ints = {};
  /** The activations where there are no tables, [columns]. */
  long[] longs = {};
  /** θ of each group; 1 for floats. */
  float[] thetas = {};
  /** Step after the last one of each part of a group whose sums fit 16 bits, and once more the last of them. */
  int[] partEnds = {};
  /** The part after the last one of each group. */
  int[] groupParts = {};
  private int parts;

  private float[] row = {};
  private float[] ordered = {};
  private int[] counts = {};

  /** Bytes of a token's tables, about. */
  static long bytes(TernaryCodes codes, boolean floats) {
    return (long) codes.steps * TernaryCodes.LOOKUPS * ENTRIES * (floats ? Float.BYTES : Short.BYTES);
  }

  /** First part of a group. */
  int groupPart(int group) {
    return group == 0 ? 0 : groupParts[group - 1];
  }

  /** Stages token {@code token} of an input that is not encoded. */
  void stage(TernaryCodes codes, ChannelOrder order, Tensor x, int token) {
    kind = Kind.FLOATS;
    int columns = codes.columns;
    if (row.length < columns + 1) {
      row = new float[columns + 1];
      ordered = new float[columns + 1];
    }
    x.readRow(token, row);
    for (int i = 0; i < columns; i++) {
      ordered[i] = row[order.order()[i]];
    }
    ordered[columns] = 0;
    thetas = thetas.length < codes.groups ? new float[codes.groups] : thetas;
    Arrays.fill(thetas, 1);
    int length = codes.steps * TernaryCodes.LOOKUPS * ENTRIES;
    ints = ints.length < length ? new int[length] : ints;
  }

  /** Stages token {@code token} of a spike train. */
  void stage(TernaryCodes codes, SpikeTrain x, int token, StagedSpikes.Row scratch) {
    int columns = codes.columns;
    int[] stored = scratch.read(x, token, 0, columns);
    thetas = thetas.length < codes.groups ? new float[codes.groups] : thetas;
    boolean fits = true;
    long[] largest = new long[codes.classes()];
    for (int c = 0; c < codes.classes(); c++) {
      Arrays.fill(thetas, codes.classGroups[c], codes.classGroups[c + 1], x.thresholds().getFloat(token, c));
      int zero = x.zeros().getInt(token, c);
      int low = zero;
      int high = zero;
      for (int i = x.order().start(c); i < x.order().end(c); i++) {
        low = Math.min(low, stored[i]);
        high = Math.max(high, stored[i]);
      }
      largest[c] = Math.max((long) high - zero, (long) zero - low);
      fits &= largest[c] * codes.digits[c].most() <= Integer.MAX_VALUE / Math.max(1, codes.widest[c]);
    }
    if (!fits) {
      kind = Kind.LONGS;
      longs = longs.length < columns + 1 ? new long[columns + 1] : longs;
      for (int c = 0; c < codes.classes(); c++) {
        for (int i = x.order().start(c); i < x.order().end(c); i++) {
          longs[i] = (long) stored[i] - x.zeros().getInt(token, c);
        }
      }
      return;
    }
    counts = counts.length < columns + 1 ? new int[columns + 1] : counts;
    for (int c = 0; c < codes.classes(); c++) {
      int zero = x.zeros().getInt(token, c);
      for (int i = x.order().start(c); i < x.order().end(c); i++) {
        counts[i] = stored[i] - zero;
      }
    }
    counts[columns] = 0;
    kind = parts(codes, largest) ? Kind.SHORTS : Kind.INTS;
    int length = codes.steps * TernaryCodes.LOOKUPS * ENTRIES;
    if (kind == Kind.SHORTS) {
      shorts = shorts.length < length ? new short[length] : shorts;
    } else {
      ints = ints.length < length ? new int[length] : ints;
    }
  }

  /** Makes the tables of what was staged. Apart from it, so that C2 has room to inline the vectors of each. */
  void fill(TernaryCodes codes) {
    for (int c = 0; c < codes.classes(); c++) {
      int first = codes.groupStep(codes.classGroups[c]) * TernaryCodes.LOOKUPS;
      int end = codes.groupStep(codes.classGroups[c + 1]) * TernaryCodes.LOOKUPS;
      switch (kind) {
        case FLOATS -> floatTables(codes.places, codes.weights, codes.factors[c].floats(), first, end);
        case SHORTS -> shortTables(codes.places, codes.weights, codes.factors[c].shorts(), first, end);
        case INTS -> intTables(codes.places, codes.weights, codes.factors[c].ints(), first, end);
        case LONGS -> { }
      }
    }
  }

  /** Cuts groups into parts whose sums fit 16 bits; false where they would be too short. */
  private boolean parts(TernaryCodes codes, long[] largest) {
    partEnds = partEnds.length < codes.steps + 1 ? new int[codes.steps + 1] : partEnds;
    groupParts = groupParts.length < codes.groups ? new int[codes.groups] : groupParts;
    parts = 0;
    for (int c = 0; c < codes.classes(); c++) {
      long span = Short.MAX_VALUE / Math.max(1, TernaryCodes.LOOKUPS * codes.digits[c].largest() * largest[c]);
      if (span < MIN_SHORT_STEPS) {
        return false;
      }
      for (int g = codes.classGroups[c]; g < codes.classGroups[c + 1]; g++) {
        for (long end = codes.groupStep(g) + span; end < codes.stepEnds[g]; end += span) {
          partEnds[parts++] = (int) end;
        }
        partEnds[parts++] = codes.stepEnds[g];
        groupParts[g] = parts;
      }
    }
    partEnds[parts] = codes.steps;
    return true;
  }

  private void floatTables(int[] places, byte[] weights, float[] factors, int first, int end) {
    for (int half = 0; half < ENTRIES; half += LANES) {
      FloatVector f0 = FloatVector.fromArray(Lanes.FLOATS, factors, half);
      FloatVector f1 = FloatVector.fromArray(Lanes.FLOATS, factors, half + ENTRIES);
      FloatVector f2 = FloatVector.fromArray(Lanes.FLOATS, factors, half + 2 * ENTRIES);
      for (int i = first; i < end; i++) {
        int slot = i * TrainDigits.SLOTS;
        FloatVector a = f0.mul(ordered[places[slot]] * weights[slot]);
        FloatVector b = f1.mul(ordered[places[slot + 1]] * weights[slot + 1]);
        FloatVector c = f2.mul(ordered[places[slot + 2]] * weights[slot + 2]);
        a.add(b).add(c).reinterpretAsInts().intoArray(ints, i * ENTRIES + half);
      }
    }
  }

  private void shortTables(int[] places, byte[] weights, short[] factors, int first, int end) {
    ShortVector f0 = ShortVector.fromArray(Lanes.SHORTS, factors, 0);
    ShortVector f1 = ShortVector.fromArray(Lanes.SHORTS, factors, ENTRIES);
    ShortVector f2 = ShortVector.fromArray(Lanes.SHORTS, factors, 2 * ENTRIES);
    for (int i = first; i < end; i++) {
      int slot = i * TrainDigits.SLOTS;
      ShortVector a = f0.mul((short) (counts[places[slot]] * weights[slot]));
      ShortVector b = f1.mul((short) (counts[places[slot + 1]] * weights[slot + 1]));
      ShortVector c = f2.mul((short) (counts[places[slot + 2]] * weights[slot + 2]));
      a.add(b).add(c).intoArray(shorts, i * ENTRIES);
    }
  }

  private void intTables(int[] places, byte[] weights, int[] factors, int first, int end) {
    for (int half = 0; half < ENTRIES; half += LANES) {
      IntVector f0 = IntVector.fromArray(Lanes.INTS, factors, half);
      IntVector f1 = IntVector.fromArray(Lanes.INTS, factors, half + ENTRIES);
      IntVector f2 = IntVector.fromArray(Lanes.INTS, factors, half + 2 * ENTRIES);
      for (int i = first; i < end; i++) {
        int slot = i * TrainDigits.SLOTS;
        IntVector a = f0.mul(counts[places[slot]] * weights[slot]);
        IntVector b = f1.mul(counts[places[slot + 1]] * weights[slot + 1]);
        IntVector c = f2.mul(counts[places[slot + 2]] * weights[slot + 2]);
        a.add(b).add(c).intoArray(ints, i * ENTRIES + half);
      }
    }
  }

  /** What each index does with each of a table's activations, [SLOTS][ENTRIES] in each type. */
  record Factors(float[] floats, int[] ints, short[] shorts) {

    static Factors of(TrainDigits digits) {
      int length = TrainDigits.SLOTS * ENTRIES;
      Factors factors = new Factors(new float[length], new int[length], new short[length]);
      for (int i = 0; i < length; i++) {
        int factor = digits.factor(i / ENTRIES, i % ENTRIES);
        factors.floats[i] = factor;
        factors.ints[i] = factor;
        factors.shorts[i] = (short) factor;
      }
      return factors;
    }
  }
}
