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
   * Adds all groups of a block for one token.
   *
   * @param dots Σ a·c, [groups][BLOCK] from {@code dotsAt}
   * @param sums Σ a of the groups, from {@code sumsAt}
   * @param outAt byte of the block's first row in {@code out}
   * @param count rows of the block
   */
  static void addGroups(PackedCodes codes, int block, int[] dots, int dotsAt, int[] sums, int sumsAt, int shift, float theta,
      MemorySegment out, long outAt, int count) {
    for (int v = 0; v < count; v += LANES) {
      long at = codes.group(block, 0) + v * 4L;
      FloatVector total = load(out, outAt + v * 4L, count - v);
      for (int g = 0; g < codes.groups; g++, at += PackedCodes.GROUP_BYTES) {
        IntVector integer = IntVector.fromArray(Lanes.INTS, dots, dotsAt + g * Lanes.BLOCK + v)
            .sub(ints(codes.memory, at + PackedCodes.ZEROS).mul(sums[sumsAt + g]))
            .sub(ints(codes.memory, at + PackedCodes.ROW_SUMS).mul(shift));
        total = total.add(toFloat(integer).mul(floats(codes.memory, at).mul(theta)));
      }
      store(total, out, outAt + v * 4L, count - v);
    }
  }

  /**
   * Adds one group of a block for tokens {@code 0..tokens − 1}.
   *
   * @param dots Σ a·c, [tokens][BLOCK]
   */
  static void addTokens(PackedCodes codes, int block, int group, int[] dots, StagedSpikes x, int tokens, MemorySegment out,
      long outAt, long rowBytes, int count) {
    for (int v = 0; v < count; v += LANES) {
      long at = codes.group(block, group) + v * 4L;
      IntVector zeros = ints(codes.memory, at + PackedCodes.ZEROS);
      IntVector rowSums = ints(codes.memory, at + PackedCodes.ROW_SUMS);
      FloatVector scales = floats(codes.memory, at);
      for (int t = 0; t < tokens; t++) {
        IntVector integer = IntVector.fromArray(Lanes.INTS, dots, t * Lanes.BLOCK + v)
            .sub(zeros.mul(x.groupSums[t * codes.groups + group])).sub(rowSums.mul((int) x.shifts[t]));
        long place = outAt + t * rowBytes + v * 4L;
        FloatVector total = load(out, place, count - v).add(toFloat(integer).mul(scales.mul(x.thetas[t])));
        store(total, out, place, count - v);
      }
    }
  }

  /** Adds one group of a wide token: {@code dots} is Σ a·c of the block's rows, exact. */
  static void addWide(PackedCodes codes, int block, int group, long[] dots, long sum, long shift, float theta, MemorySegment out,
      long outAt, int count) {
    int width = codes.groupEnd(group) - codes.groupStart(group);
    for (int lane = 0; lane < count; lane++) {
      long at = codes.group(block, group) + lane * 4L;
      long zero = codes.memory.get(Tensor.INT, at + PackedCodes.ZEROS);
      // Σ c lies in 0..255·width and is recovered from what is stored modulo 2³².
      long codeSum = Integer.toUnsignedLong((int) (codes.memory.get(Tensor.INT, at + PackedCodes.ROW_SUMS) + width * zero));
      long integer = dots[lane] - zero * sum - shift * (codeSum - width * zero);
      float scale = theta * codes.memory.get(Tensor.FLOAT, at);
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
