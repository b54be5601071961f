package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import org.spikellm.api.DType;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The activations of one column class as the integer kernels read them: {@code a = n − low >= 0}, n the stored counts, low the
 * smallest of a token, so that products with codes are unsigned; or low is the middle, for {@link Balanced} ones. With the
 * integer of the contract,
 *
 * <pre>  Σ (n − z)(c − zero) = Σ a·c − zero · Σ a − (z − low) · Σ (c − zero)  </pre>
 *
 * Several planes are added up first: the product is linear in the spikes, so one integer product on the counts gives what T
 * products on the steps would.
 */
final class StagedSpikes {

  private static final int LANES = Lanes.COUNT;
  /** Of every four ints the last two in place of the first. */
  private static final VectorShuffle<Integer> TWO_ON = VectorShuffle.fromOp(Lanes.INTS, i -> (i + 2) % LANES);
  /** Of every four ints the first two; all of these twice. */
  private static final VectorShuffle<Integer> TWOS = VectorShuffle.fromOp(Lanes.INTS, i -> i % (LANES / 2) / 2 * 4 + i % 2);
  private static final VectorMask<Integer> LATER = Lanes.INTS.indexInRange(-LANES / 2, LANES / 2);

  private final TiledCodes weight;
  /** Of activations around 0; 0 where there are none. */
  private final int maxBalanced;

  /**
   * Pairs of activations, low half and high half of an int, as {@link CodeLayout} pairs the columns of all steps, or what
   * {@link Balanced} makes of them: [tokens][{@link #stride}].
   */
  final int[] pairs;

  /** The bits from 8 on of activations that the kernels' products have no room for, as {@link #pairs}; null where there are none. */
  int[] highPairs;

  /** Pairs a token. */
  final int stride;

  /** Σ a over each group, [tokens][groups]. */
  final int[] groupSums;

  /** What has to be taken from the sums of {@link Balanced} activations, [tokens][groups]. */
  final int[] biases;

  /** z − low, a token. */
  final long[] shifts;

  /** θ, a token. */
  final float[] thetas;

  /** Tokens whose activations are {@link Balanced}. */
  final boolean[] balanced;

  /** The activations of tokens whose integers may not fit 32 bits, [tokens][columns]; else null. */
  private final int[][] wide;

  /** The largest activation of all tokens that are neither wide nor balanced. */
  int maxActivation = 1;

  /** Whether any token needs {@link #digits}. */
  boolean anyWide;

  /**
   * Room for {@code tokens} tokens.
   *
   * @param balance whether activations may be {@link Balanced}
   * @param memory what this takes its arrays from, valid until another is made from it: fresh ones would not be in any cache
   */
  StagedSpikes(TiledCodes weight, int tokens, boolean balance, Scratch memory) {
    this.weight = weight;
    maxBalanced = balance ? Balanced.maxActivation(weight.layout) : 0;
    balanced = new boolean[tokens];
    stride = weight.steps * weight.layout.pairs();
    pairs = memory.pairs(Math.multiplyExact(tokens, stride));
    groupSums = new int[tokens * weight.groups];
    biases = new int[tokens * weight.groups];
    shifts = new long[tokens];
    thetas = new float[tokens];
    wide = new int[tokens][];
  }

  /** Scratch for {@link #stage}: one a worker. */
  static final class Row {
    byte[] bytes = {};
    short[] shorts = {};
    int[] counts = {};
    private int[] digit = {};
    private int[] places = {};

    int[] digit(int length) {
      return digit = digit.length < length ? new int[length] : digit;
    }

    int[] places(int length) {
      return places = places.length < length ? new int[length] : places;
    }

    /** The counts of (token, place from..to), less the offset, summed over the planes. */
    int[] read(SpikeTrain x, int token, int from, int to) {
      int length = to - from;
      if (counts.length < length) {
        bytes = new byte[length];
        shorts = new short[length];
        counts = new int[length];
      }
      for (int plane = 0; plane < x.planes().size(); plane++) {
        Tensor counts = x.planes().get(plane);
        MemorySegment segment = counts.segment();
        if (counts.dtype() == DType.I8) {
          MemorySegment.copy(segment, Tensor.BYTE, token * counts.rowBytes() + from, bytes, 0, length);
          addBytes(length, plane == 0);
        } else {
          MemorySegment.copy(segment, Tensor.SHORT, token * counts.rowBytes() + 2L * from, shorts, 0, length);
          addShorts(length, plane == 0);
        }
      }
      return counts;
    }

    private void addBytes(int length, boolean first) {
      if (first) {
        for (int i = 0; i < length; i++) {
          counts[i] = bytes[i];
        }
      } else {
        for (int i = 0; i < length; i++) {
          counts[i] += bytes[i];
        }
      }
    }

    private void addShorts(int length, boolean first) {
      if (first) {
        for (int i = 0; i < length; i++) {
          counts[i] = shorts[i];
        }
      } else {
        for (int i = 0; i < length; i++) {
          counts[i] += shorts[i];
        }
      }
    }
  }

  /** Stages the tokens {@code first..last − 1} of class {@code c}; different tokens may be staged at the same time. */
  void stage(SpikeTrain x, int c, int first, int last, Row row) {
    int from = x.order().start(c);
    int to = x.order().end(c);
    int largest = 1;
    boolean isWide = false;
    for (int t = first; t < last; t++) {
      int[] counts = row.read(x, t, from, to);
      int low = min(counts, to - from);
      int high = max(counts, to - from);
      int zero = x.zeros().getInt(t, c);
      // The distances as long: zeros may be any int.
      long distance = Math.max(Math.abs((long) high - zero), Math.abs((long) low - zero));
      boolean tooWide = high - low > 0xffff
          || distance * weight.maxDistance > Integer.MAX_VALUE / Math.max(1, weight.maxGroupColumns);
      balanced[t] = maxBalanced > 0 && !tooWide && high - low <= 2 * maxBalanced;
      int middle = balanced[t] ? low + (high - low + 1) / 2 : low;
      shifts[t] = (long) zero - middle;
      thetas[t] = x.thresholds().getFloat(t, c);
      subtract(counts, to - from, middle);
      sums(t, counts);
      if (tooWide) {
        wide[t] = Arrays.copyOf(counts, to - from);
        isWide = true;
      } else if (balanced[t]) {
        pair(counts, row, pairs, t * stride);
        Balanced.fold(weight.layout, pairs, t * stride, stride);
      } else if (high - low > weight.layout.maxActivation()) {
        largest = Math.max(largest, 0xff);
        twoDigits(counts, to - from, t, row);
      } else {
        largest = Math.max(largest, high - low);
        pair(counts, row, pairs, t * stride);
      }
    }
    merge(largest, isWide);
  }

  private void twoDigits(int[] values, int length, int token, Row row) {
    int[] digit = row.digit(length);
    for (int d = 0; d < 2; d++) {
      for (int i = 0; i < length; i++) {
        digit[i] = values[i] >>> 8 * d & 0xff;
      }
      pair(digit, row, d == 0 ? pairs : highPairs(), token * stride);
    }
  }

  private synchronized int[] highPairs() {
    if (highPairs == null) {
      highPairs = new int[pairs.length];
    }
    return highPairs;
  }

  private synchronized void merge(int largest, boolean isWide) {
    maxActivation = Math.max(maxActivation, largest);
    anyWide |= isWide;
  }

  boolean isWide(int token) {
    return wide[token] != null;
  }

  /** Stages bits {@code 8 · digit} to {@code 8 · digit + 7} of a wide token's activations into {@code target}. */
  void digits(int token, int digit, Row row, int[] target) {
    int[] values = wide[token];
    int[] bits = row.digit(values.length);
    for (int i = 0; i < values.length; i++) {
      bits[i] = values[i] >>> 8 * digit & 0xff;
    }
    pair(bits, row, target, 0);
  }

  /** Σ a over a group of a wide token. */
  long wideSum(int token, int group) {
    long sum = 0;
    for (int i = weight.groupStart(group); i < weight.groupEnd(group); i++) {
      sum += wide[token][i];
    }
    return sum;
  }

  /** How many digits of 8 bits a wide token's activations have. */
  int digitCount(int token) {
    return Math.max(1, (39 - Integer.numberOfLeadingZeros(max(wide[token], wide[token].length))) / 8);
  }

  private void sums(int token, int[] values) {
    int bias = balanced[token] ? Balanced.bias(weight.layout) : 0;
    for (int g = 0; g < weight.groups; g++) {
      int sum = 0;
      int below = 0;
      for (int i = weight.groupStart(g); i < weight.groupEnd(g); i++) {
        sum += values[i];
        below += Math.max(0, -values[i]);
      }
      groupSums[token * weight.groups + g] = sum;
      biases[token * weight.groups + g] = bias * below;
    }
  }

  /** Pairs of all steps, of activations that are given for all columns. */
  private void pair(int[] values, Row row, int[] target, int at) {
    int[] places = row.places(weight.places());
    Arrays.fill(places, 0, weight.places(), 0);
    for (int g = 0; g < weight.groups; g++) {
      int first = weight.groupStart(g);
      System.arraycopy(values, first, places, weight.place(g), weight.groupEnd(g) - first);
    }
    int i = 0;
    for (; i <= weight.places() - 2 * LANES; i += 2 * LANES) {
      twos(places, i).blend(twos(places, i + LANES), LATER).intoArray(target, at + i / 2);
    }
    for (; i < weight.places(); i += 4) {
      target[at + i / 2] = places[i] & 0xffff | places[i + 2] << 16;
      target[at + i / 2 + 1] = places[i + 1] & 0xffff | places[i + 3] << 16;
    }
  }

  /** The pairs of a vector's activations, which are half a vector, in both halves. */
  private static IntVector twos(int[] v, int from) {
    IntVector x = IntVector.fromArray(Lanes.INTS, v, from);
    return x.and(0xffff).or(x.rearrange(TWO_ON).lanewise(VectorOperators.LSHL, 16)).rearrange(TWOS);
  }

  private static int min(int[] values, int length) {
    IntVector least = IntVector.broadcast(Lanes.INTS, Integer.MAX_VALUE);
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
      least = least.min(IntVector.fromArray(Lanes.INTS, values, i));
    }
    int min = least.reduceLanes(VectorOperators.MIN);
    for (; i < length; i++) {
      min = Math.min(min, values[i]);
    }
    return min;
  }

  private static int max(int[] values, int length) {
    IntVector most = IntVector.broadcast(Lanes.INTS, Integer.MIN_VALUE);
    int i = 0;
    for (; i <= length - LANES; i += LANES) {
      most = most.max(IntVector.fromArray(Lanes.INTS, values, i));
    }
    int max = most.reduceLanes(VectorOperators.MAX);
    for (; i < length; i++) {
      max = Math.max(max, values[i]);
    }
    return max;
  }

  private static void subtract(int[] values, int length, int low) {
    for (int i = 0; i < length; i++) {
      values[i] -= low;
    }
  }
}
