package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The products of {@link SimdLinear} with encoded inputs in plain Java, for the time until its kernels are compiled: exact integers, and
 * the same steps from them to floats. What takes the time is one loop over ints that C2 makes vectors of soon: a line of many tiles
 * is put side by side, a lane a row, and all its rows are multiplied by the same activations.
 *
 * <p>Two codes 16 bits apart are multiplied at once, {@code (c + d·2¹⁶)(b + a·2¹⁶)}: the upper half of that is {@code c·a + d·b}, as
 * long as it fits 16 bits, and its sums as long as these do. Activations are counts less the least of a token, so that they are not
 * negative: {@code Σ (c − zero)(n − z) = Σ c·m − zero Σ m − (z − least) Σ (c − zero)} with {@code m = n − least}.
 */
final class PlainCodes {

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  /** Tiles of a slice: its lines, and sums of {@link #TOKENS}, fit the first cache. Fewer where there are not many slices then. */
  private static final int MOST_TILES = 32;
  private static final int LEAST_TILES = 8;
  private static final int SLICES = 8;
  private static final int TOKENS = 8;

  /** Lines of a piece. */
  private static final int LINES = 16;

  /** Bits from one unit of codes of 3 bits to the next, once these are bytes. */
  private static final int THREES = 4;

  private final TiledCodes codes;
  private final int tokens;
  private final int tiles;
  private final int sliceTiles;
  /** Counts less the least one of a token, [tokens][places of the steps' columns]. */
  private final int[] activations;
  /** Σ of them, [tokens][groups]. */
  private final int[] groupSums;
  /** What a token's zero point is more than its least count. */
  private final int[] zeros;
  /** The largest of {@link #activations}. */
  private int most;
  private final float[] thetas;

  private PlainCodes(TiledCodes codes, int tokens) {
    this.codes = codes;
    this.tokens = tokens;
    tiles = Lanes.ceilDiv(codes.rows, TILE_ROWS);
    sliceTiles = Math.clamp(Lanes.ceilDiv(tiles, SLICES), LEAST_TILES, MOST_TILES);
    activations = new int[Math.multiplyExact(tokens, codes.places())];
    groupSums = new int[tokens * codes.groups];
    zeros = new int[tokens];
    thetas = new float[tokens];
  }

  /** The activations of class {@code c}, or null where the integers of a group might not fit 32 bits. */
  static PlainCodes of(TiledCodes codes, SpikeTrain x, int c, StagedSpikes.Row row) {
    PlainCodes plain = new PlainCodes(codes, x.tokens());
    long limit = Integer.MAX_VALUE / Math.max(1, codes.maxGroupColumns) / Math.max(1, codes.maxDistance);
    for (int t = 0; t < x.tokens(); t++) {
      int[] counts = row.read(x, t, x.order().start(c), x.order().end(c));
      plain.thetas[t] = x.thresholds().getFloat(t, c);
      int zero = x.zeros().getInt(t, c);
      int least = least(counts, codes.columns);
      int largest = largest(counts, codes.columns);
      if (Math.max((long) largest - zero, (long) zero - least) > limit) {
        return null;
      }
      plain.most = Math.max(plain.most, largest - least);
      plain.zeros[t] = zero - least;
      for (int g = 0; g < codes.groups; g++) {
        int at = t * codes.places() + codes.place(g);
        plain.groupSums[t * codes.groups + g] = less(counts, codes.groupStart(g), codes.groupEnd(g), least, plain.activations, at);
      }
    }
    return plain;
  }

  /** The least of the first counts; 0 where there are none. */
  private static int least(int[] counts, int length) {
    int least = length == 0 ? 0 : counts[0];
    for (int i = 1; i < length; i++) {
      least = Math.min(least, counts[i]);
    }
    return least;
  }

  /** The largest of the first counts; 0 where there are none. */
  private static int largest(int[] counts, int length) {
    int largest = length == 0 ? 0 : counts[0];
    for (int i = 1; i < length; i++) {
      largest = Math.max(largest, counts[i]);
    }
    return largest;
  }

  /** Counts of columns less {@code least}, put to {@code activations}; the sum of these. */
  private static int less(int[] counts, int from, int to, int least, int[] activations, int at) {
    int sum = 0;
    for (int i = from; i < to; i++) {
      int activation = counts[i] - least;
      activations[at + i - from] = activation;
      sum += activation;
    }
    return sum;
  }

  /** Slices of the rows. */
  int slices() {
    return Lanes.ceilDiv(tiles, sliceTiles);
  }

  /** Adds the products of a slice's rows to {@code out}. */
  void accumulate(int slice, Tensor out, Scratch scratch) {
    int first = slice * sliceTiles;
    int rows = Math.min(sliceTiles, tiles - first) * TILE_ROWS;
    for (int token = 0; token < tokens; token += TOKENS) {
      int count = Math.min(TOKENS, tokens - token);
      int[][] totals = scratch.totals(count, rows);
      for (int g = 0; g < codes.groups; g++) {
        multiply(g, first, rows, token, count, totals, scratch);
        scale(g, first, rows, token, count, totals, out, scratch);
      }
    }
  }

  /** The products of a group, of some tokens: totals are [tokens][rows]. */
  private void multiply(int group, int first, int rows, int token, int tokens, int[][] totals, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int fitting = 0xffff / (layout.maxCode() * Math.clamp(most, 1, 0xffff) * layout.perLine());   // lines
    boolean pairs = layout.units() > 1 && fitting > 0;
    int[][] lanes = scratch.lines(LINES * layout.lanes(), rows);
    int[][] sums = scratch.arrays(tokens, rows);
    for (int t = 0; t < tokens; t++) {
      Arrays.fill(totals[t], 0);
      Arrays.fill(sums[t], 0);
    }
    int end = codes.groupStepEnd(group);
    for (int step = codes.groupStep(group), count; step < end; step += count) {
      count = Math.min(pairs ? Math.min(LINES, fitting) : LINES, end - step);
      read(first, rows, codes.line(group) + step - codes.groupStep(group), count, lanes, scratch);
      for (int line = 0; line < count; line++) {
        multiply(lanes, line, rows, token, tokens, (step + line) * layout.perLine(), pairs, sums, scratch);
      }
      for (int t = 0; t < tokens; t++) {
        add(sums[t], pairs ? Short.SIZE : 0, totals[t], rows);
      }
    }
  }

  /** Lines of tiles side by side: lane v of line l, for all rows, is {@code lanes[l · layout.lanes() + v]}. */
  private void read(int first, int rows, int line, int count, int[][] lanes, Scratch scratch) {
    int perLine = codes.layout.lanes();
    int[] tile = scratch.digits(LINES * perLine * TILE_ROWS);
    for (int row = 0; row < rows; row += TILE_ROWS) {
      codes.copy(first + row / TILE_ROWS, line, count, tile);
      for (int i = 0; i < count * perLine; i++) {
        System.arraycopy(tile, i * TILE_ROWS, lanes[i], row, TILE_ROWS);
      }
    }
  }

  /** A line's products with the activations from place {@code at} on, added to {@code sums}, [tokens][rows]. */
  private void multiply(int[][] lanes, int line, int rows, int token, int tokens, int at, boolean pairs, int[][] sums, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int[] bytes = lanes[line * layout.lanes()];
    for (int unit = 0; unit < layout.units(); unit += pairs ? 2 : 1) {
      int shift = unit * layout.bits();
      int next = layout.bits();
      if (layout.bits() == 3) {
        bytes = scratch.dots(rows);
        threes(lanes[3 * line + unit / 4], lanes[3 * line + 2], unit / 2 * 2, rows, bytes);
        shift = unit % 2 * THREES;
        next = THREES;
      }
      for (int t = 0; t < tokens; t++) {
        int place = (token + t) * codes.places() + at + 4 * unit;
        if (pairs) {
          pairs(bytes, shift, next, layout.maxCode() * 0x10001, pair(place), pair(place + 1), pair(place + 4), pair(place + 5), sums[t],
              rows);
        } else {
          four(bytes, shift, layout.maxCode(), activations[place], activations[place + 1], activations[place + 2],
              activations[place + 3], sums[t], rows);
        }
      }
    }
  }

  /** What multiplies the codes of a column and of the next but one at once. */
  private int pair(int place) {
    return activations[place + 2] | activations[place] << Short.SIZE;
  }

  /** The pairs of two units. Arrays are read from their start on, so that C2 sees that no store meets a later load. */
  private static void pairs(int[] lanes, int shift, int next, int mask, int a, int b, int c, int d, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i] >>> shift;
      int y = x >>> next;
      sums[i] += (x & mask) * a + (x >>> 8 & mask) * b + (y & mask) * c + (y >>> 8 & mask) * d;
    }
  }

  /** A unit of four columns, whose products may be large. */
  private static void four(int[] lanes, int shift, int mask, int a, int b, int c, int d, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i] >>> shift;
      sums[i] += (x & mask) * a + (x >>> 8 & mask) * b + (x >>> 16 & mask) * c + (x >>> 24 & mask) * d;
    }
  }

  /** Two units of codes of 3 bits, {@link #THREES} bits apart. */
  private static void threes(int[] lows, int[] highs, int unit, int rows, int[] bytes) {
    int shift = unit % 4 * 2;
    for (int i = 0; i < rows; i++) {
      int low = lows[i] >>> shift;
      int high = highs[i] >>> unit;
      bytes[i] = low & 0x03030303 | (high & 0x01010101) << 2 | (low & 0x0c0c0c0c) << 2 | (high & 0x02020202) << 5;
    }
  }

  /** Adds what is in the upper bits of sums, and makes these 0. */
  private static void add(int[] sums, int shift, int[] totals, int count) {
    for (int i = 0; i < count; i++) {
      totals[i] += sums[i] >>> shift;
    }
    Arrays.fill(sums, 0, count, 0);
  }

  private void scale(int group, int first, int rows, int token, int tokens, int[][] totals, Tensor out, Scratch scratch) {
    float[] scales = scratch.a(rows);
    int[] zeros = scratch.sums(rows);
    int[] rowSums = scratch.pairs(rows);
    for (int row = 0; row < rows; row += TILE_ROWS) {
      long at = codes.tileFactors(first + row / TILE_ROWS, group);
      MemorySegment.copy(codes.factors, Tensor.FLOAT, at, scales, row, TILE_ROWS);
      MemorySegment.copy(codes.factors, Tensor.INT, at + TiledCodes.ZEROS, zeros, row, TILE_ROWS);
      MemorySegment.copy(codes.factors, Tensor.INT, at + TiledCodes.ROW_SUMS, rowSums, row, TILE_ROWS);
    }
    int count = Math.min(rows, codes.rows - first * TILE_ROWS);
    float[] results = scratch.b(count);
    for (int t = 0; t < tokens; t++) {
      long at = ((long) (token + t) * codes.rows + (long) first * TILE_ROWS) * Float.BYTES;
      MemorySegment.copy(out.segment(), Tensor.FLOAT, at, results, 0, count);
      scale(totals[t], zeros, groupSums[(token + t) * codes.groups + group], rowSums, this.zeros[token + t], scales, thetas[token + t],
          results, count);
      MemorySegment.copy(results, 0, out.segment(), Tensor.FLOAT, at, count);
    }
  }

  private static void scale(int[] totals, int[] zeros, int groupSum, int[] rowSums, int zero, float[] scales, float theta, float[] out,
      int count) {
    for (int i = 0; i < count; i++) {
      out[i] += (totals[i] - zeros[i] * groupSum - rowSums[i] * zero) * (scales[i] * theta);
    }
  }
}
