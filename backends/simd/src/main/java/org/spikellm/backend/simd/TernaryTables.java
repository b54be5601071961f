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
    for (int c = 0; c < codes.classes(); c++) {
      int first = codes.groupStep(codes.classGroups[c]);
      floatTables(codes, Factors.of(codes.digits[c]), first, codes.groupStep(codes.classGroups[c + 1]));
    }
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
      for (int i = x.order().start(c); i < x.order().end(c); i++) {
        largest[c] = Math.max(largest[c], Math.abs((long) stored[i] - zero));
      }
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
    for (int c = 0; c < codes.classes(); c++) {
      int first = codes.groupStep(codes.classGroups[c]);
      int end = codes.groupStep(codes.classGroups[c + 1]);
      if (kind == Kind.SHORTS) {
        shortTables(codes, Factors.of(codes.digits[c]), first, end);
      } else {
        intTables(codes, Factors.of(codes.digits[c]), first, end);
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

  private void floatTables(TernaryCodes codes, Factors factors, int first, int end) {
    for (int i = first * TernaryCodes.LOOKUPS; i < end * TernaryCodes.LOOKUPS; i++) {
      int slot = i * TrainDigits.SLOTS;
      float a = ordered[codes.places[slot]] * codes.weights[slot];
      float b = ordered[codes.places[slot + 1]] * codes.weights[slot + 1];
      float c = ordered[codes.places[slot + 2]] * codes.weights[slot + 2];
      factors.floats(a, b, c, 0).reinterpretAsInts().intoArray(ints, i * ENTRIES);
      factors.floats(a, b, c, LANES).reinterpretAsInts().intoArray(ints, i * ENTRIES + LANES);
    }
  }

  private void shortTables(TernaryCodes codes, Factors factors, int first, int end) {
    for (int i = first * TernaryCodes.LOOKUPS; i < end * TernaryCodes.LOOKUPS; i++) {
      int slot = i * TrainDigits.SLOTS;
      int a = counts[codes.places[slot]] * codes.weights[slot];
      int b = counts[codes.places[slot + 1]] * codes.weights[slot + 1];
      int c = counts[codes.places[slot + 2]] * codes.weights[slot + 2];
      factors.shorts(a, b, c).intoArray(shorts, i * ENTRIES);
    }
  }

  private void intTables(TernaryCodes codes, Factors factors, int first, int end) {
    for (int i = first * TernaryCodes.LOOKUPS; i < end * TernaryCodes.LOOKUPS; i++) {
      int slot = i * TrainDigits.SLOTS;
      int a = counts[codes.places[slot]] * codes.weights[slot];
      int b = counts[codes.places[slot + 1]] * codes.weights[slot + 1];
      int c = counts[codes.places[slot + 2]] * codes.weights[slot + 2];
      factors.ints(a, b, c, 0).intoArray(ints, i * ENTRIES);
      factors.ints(a, b, c, LANES).intoArray(ints, i * ENTRIES + LANES);
    }
  }

  /** What each index does with each of a table's activations, [SLOTS][ENTRIES]. */
  private record Factors(float[] floats, int[] ints, short[] shorts) {

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

    FloatVector floats(float a, float b, float c, int at) {
      return FloatVector.fromArray(Lanes.FLOATS, floats, at).mul(a).add(FloatVector.fromArray(Lanes.FLOATS, floats, ENTRIES + at).mul(b))
          .add(FloatVector.fromArray(Lanes.FLOATS, floats, 2 * ENTRIES + at).mul(c));
    }

    IntVector ints(int a, int b, int c, int at) {
      return IntVector.fromArray(Lanes.INTS, ints, at).mul(a).add(IntVector.fromArray(Lanes.INTS, ints, ENTRIES + at).mul(b))
          .add(IntVector.fromArray(Lanes.INTS, ints, 2 * ENTRIES + at).mul(c));
    }

    ShortVector shorts(int a, int b, int c) {
      return ShortVector.fromArray(Lanes.SHORTS, shorts, 0).mul((short) a).add(ShortVector.fromArray(Lanes.SHORTS, shorts, ENTRIES)
          .mul((short) b)).add(ShortVector.fromArray(Lanes.SHORTS, shorts, 2 * ENTRIES).mul((short) c));
    }
  }
}
