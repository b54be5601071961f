package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.spikellm.api.Tensor;

/**
 * From a group's integer products to the output: {@code out += (float) I · (θ · scale)} with
 * {@code I = Σ a·c − zero · Σ a − shift · Σ (c − zero)}, modulo 2³², which is exact as {@code |I| < 2³¹} (see {@link StagedSpikes}).
 * The product and the sum are rounded apart, as plain Java does it.
 */
final class GroupScale {

  private static final int LANES = Lanes.COUNT;

  private GroupScale() {}

  /**
   * Adds all groups of a vector of rows for one token.
   *
   * @param dots Σ a·c and the groups' biases, [groups][LANES] from {@code dotsAt}
   * @param outAt byte of the first row in {@code out}
   * @param count rows of the vector
   */
  static void addGroups(TiledCodes codes, int vector, int[] dots, int dotsAt, StagedSpikes x, int token, MemorySegment out, long outAt,
      int count) {
    long at = codes.factors(vector, 0);
    int shift = (int) x.shifts[token];
    float theta = x.thetas[token];
    FloatVector total = load(out, outAt, count);
    for (int g = 0, group = token * codes.groups; g < codes.groups; g++, group++, at += TiledCodes.GROUP_BYTES) {
      IntVector integer = IntVector.fromArray(Lanes.INTS, dots, dotsAt + g * LANES).sub(x.biases[group])
          .sub(ints(codes.factors, at + TiledCodes.ZEROS).mul(x.groupSums[group]))
          .sub(ints(codes.factors, at + TiledCodes.ROW_SUMS).mul(shift));
      total = total.add(toFloat(integer).mul(floats(codes.factors, at).mul(theta)));
    }
    store(total, out, outAt, count);
  }

  /**
   * Adds one group of a block, two vectors of rows, for tokens {@code 0..tokens − 1}.
   *
   * @param dots Σ a·c, [tokens][BLOCK]
   */
  static void addTokens(TiledCodes codes, int block, int group, int[] dots, StagedSpikes x, int tokens, MemorySegment out,
      long outAt, long rowBytes, int count) {
    for (int v = 0; v < count; v += LANES) {
      long at = codes.factors(2 * block + v / LANES, group);
      IntVector zeros = ints(codes.factors, at + TiledCodes.ZEROS);
      IntVector rowSums = ints(codes.factors, at + TiledCodes.ROW_SUMS);
      FloatVector scales = floats(codes.factors, at);
      for (int t = 0; t < tokens; t++) {
        IntVector integer = IntVector.fromArray(Lanes.INTS, dots, t * Lanes.BLOCK + v)
            .sub(zeros.mul(x.groupSums[t * codes.groups + group])).sub(rowSums.mul((int) x.shifts[t]));
        long place = outAt + t * rowBytes + v * 4L;
        FloatVector total = load(out, place, count - v).add(toFloat(integer).mul(scales.mul(x.thetas[t])));
        store(total, out, place, count - v);
      }
    }
  }

  /** Adds one group of a wide token: {@code dots} is Σ a·c of a vector of rows, exact. */
  static void addWide(TiledCodes codes, int vector, int group, long[] dots, long sum, long shift, float theta, MemorySegment out,
      long outAt, int count) {
    int width = codes.groupEnd(group) - codes.groupStart(group);
    for (int lane = 0; lane < count; lane++) {
      long at = codes.factors(vector, group) + lane * 4L;
      long zero = codes.factors.get(Tensor.INT, at + TiledCodes.ZEROS);
      // Σ c lies in 0..255·width and is recovered from what is stored modulo 2³².
      long codeSum = Integer.toUnsignedLong((int) (codes.factors.get(Tensor.INT, at + TiledCodes.ROW_SUMS) + width * zero));
      long integer = dots[lane] - zero * sum - shift * (codeSum - width * zero);
      float scale = theta * codes.factors.get(Tensor.FLOAT, at);
      long place = outAt + lane * 4L;
      out.set(Tensor.FLOAT, place, out.get(Tensor.FLOAT, place) + (float) integer * scale);
    }
  }

  private static IntVector ints(MemorySegment segment, long at) {
    return IntVector.fromMemorySegment(Lanes.INTS, segment, at, Lanes.ORDER);
  }

  private static FloatVector floats(MemorySegment segment, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, segment, at, Lanes.ORDER);
  }

  private static FloatVector toFloat(IntVector integers) {
    return (FloatVector) integers.convert(VectorOperators.I2F, 0);
  }

  private static FloatVector load(MemorySegment out, long at, int count) {
    return count >= LANES ? floats(out, at) : loadPart(out, at, count);
  }

  private static void store(FloatVector value, MemorySegment out, long at, int count) {
    if (count >= LANES) {
      value.intoMemorySegment(out, at, Lanes.ORDER);
    } else {
      value.intoMemorySegment(out, at, Lanes.ORDER, part(count));
    }
  }

  private static FloatVector loadPart(MemorySegment out, long at, int count) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, out, at, Lanes.ORDER, part(count));
  }

  private static VectorMask<Float> part(int count) {
    return Lanes.FLOATS.indexInRange(0, count);
  }
}
