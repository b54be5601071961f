package org.spikellm.backend.simd;

import java.util.Arrays;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The products of {@link SimdLinear} with encoded inputs in plain Java, for the time until its kernels are compiled: exact integers, and
 * the same steps from them to floats. What takes the time is one loop over ints that C2 makes vectors of soon: lanes of codes are
 * multiplied by factors that stand 16 times, once a row, beside each other, and added up for each lane of a piece of a tile on its own.
 *
 * <p>Two codes 16 bits apart are multiplied at once, {@code (c + d·2¹⁶)(b + a·2¹⁶)}: the upper half of that is {@code c·a + d·b}, as
 * long as it fits 16 bits, and its sums as long as these do. Activations are counts less the least of a token, so that they are not
 * negative: {@code Σ (c − zero)(n − z) = Σ c·m − zero Σ m − (z − least) Σ (c − zero)} with {@code m = n − least}.
 */
final class PlainCodes {

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  /** Columns of a piece, whose factors fit the first cache. */
  private static final int COLUMNS = 256;

  /** Bits from one unit of codes of 3 bits to the next, once these are bytes. */
  private static final int THREES = 4;

  /** Tiles of a slice, which share factors, and tokens: their sums fit the second cache. */
  private static final int TILES = 16;
  private static final int TOKENS = 8;

  private final TiledCodes codes;
  private final int tokens;
  /** Counts less the least one of a token, [tokens][places of the steps' columns]. */
  private final int[] activations;
  /** Σ of them, [tokens][groups]. */
  private final int[] groupSums;
  /** What a token's zero point is more than its least count. */
  private final int[] zeros;
  /** The largest of {@link #activations}. */
  private int most;
  private final float[] thetas;
  /** Lines of a piece. */
  private final int lines;

  private PlainCodes(TiledCodes codes, int tokens) {
    this.codes = codes;
    this.tokens = tokens;
    lines = COLUMNS / codes.layout.perLine();
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
      int least = least(counts, codes.columns, 1);
      int largest = -least(counts, codes.columns, -1);
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

  /** The least of some counts times 1 or −1. */
  private static int least(int[] counts, int length, int sign) {
    int least = length == 0 ? 0 : Integer.MAX_VALUE;
    for (int i = 0; i < length; i++) {
      least = Math.min(least, counts[i] * sign);
    }
    return least;
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
    return Lanes.ceilDiv(codes.rows, TILES * TILE_ROWS);
  }

  /** Adds the products of a slice's rows to {@code out}. */
  void accumulate(int slice, Tensor out, Scratch scratch) {
    int first = slice * TILES;
    int tiles = Math.min(TILES, Lanes.ceilDiv(codes.rows, TILE_ROWS) - first);
    for (int token = 0; token < tokens; token += TOKENS) {
      int last = Math.min(tokens, token + TOKENS);
      int[][] sums = scratch.arrays(tiles * (last - token), lines * TILE_ROWS);
      int[][] totals = scratch.totals(tiles * (last - token), TILE_ROWS);
      for (int g = 0; g < codes.groups; g++) {
        multiply(g, first, tiles, token, last, sums, totals, scratch);
        for (int tile = first, i = 0; tile < first + tiles; tile++) {
          for (int t = token; t < last; t++, i++) {
            scale(g, tile, t, totals[i], out);
          }
        }
      }
    }
  }

  /** The products of a group: sums, of each lane of a piece, and totals, of each row, are [tiles][tokens]. */
  private void multiply(int group, int first, int tiles, int token, int last, int[][] sums, int[][] totals, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int pieces = 0xffff / (layout.maxCode() * Math.clamp(most, 1, 0xffff) * layout.perLine());
    boolean pairs = layout.units() > 1 && pieces > 0;
    int[][] factors = scratch.factors(layout.perLine(), lines * TILE_ROWS);
    int[] lanes = scratch.digits(lines * layout.lanes() * TILE_ROWS);
    int end = codes.groupStepEnd(group);
    for (int i = 0; i < tiles * (last - token); i++) {
      Arrays.fill(sums[i], 0);
      Arrays.fill(totals[i], 0);
    }
    for (int step = codes.groupStep(group), piece = 1, count; step < end; step += count, piece++) {
      count = Math.min(lines, end - step);
      int line = codes.line(group) + step - codes.groupStep(group);
      for (int t = token; t < last; t++) {
        int at = t * codes.places() + step * layout.perLine();
        if (pairs) {
          spreadPairs(activations, at, layout.perLine(), count, factors);
        } else {
          spread(activations, at, layout.perLine(), count, factors);
        }
        for (int tile = 0; tile < tiles; tile++) {
          codes.copy(first + tile, line, count, lanes);
          multiply(lanes, count, factors, pairs, sums[tile * (last - token) + t - token], scratch);
        }
      }
      if (pairs && piece % pieces == 0 || step + count == end) {
        for (int i = 0; i < tiles * (last - token); i++) {
          add(sums[i], pairs ? Short.SIZE : 0, totals[i]);
        }
      }
    }
  }

  /** Every activation of a column for all rows of a tile: factors are [columns of a line][lines · TILE_ROWS]. */
  private static void spread(int[] activations, int at, int perLine, int lines, int[][] factors) {
    for (int line = 0; line < lines; line++) {
      for (int i = 0; i < perLine; i++) {
        Arrays.fill(factors[i], line * TILE_ROWS, (line + 1) * TILE_ROWS, activations[at + line * perLine + i]);
      }
    }
  }

  /** The activations of both columns of a pair for all rows of a tile: factors are [pairs of a line][lines · TILE_ROWS]. */
  private static void spreadPairs(int[] activations, int at, int perLine, int lines, int[][] factors) {
    for (int line = 0; line < lines; line++) {
      for (int i = 0; i < perLine / 2; i++) {
        int column = at + line * perLine + i / 2 * 4 + i % 2;
        int both = activations[column + 2] | activations[column] << Short.SIZE;
        Arrays.fill(factors[i], line * TILE_ROWS, (line + 1) * TILE_ROWS, both);
      }
    }
  }

  private void multiply(int[] lanes, int lines, int[][] factors, boolean pairs, int[] sums, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int count = lines * TILE_ROWS;
    for (int unit = 0; unit < layout.units(); unit += pairs ? 2 : 1) {
      int[] bytes = lanes;
      int shift = unit * layout.bits();
      int next = layout.bits();
      if (layout.bits() == 3) {
        bytes = scratch.dots(count);
        threes(lanes, unit / 2 * 2, lines, bytes);
        shift = unit % 2 * THREES;
        next = THREES;
      }
      if (pairs) {
        pairs(bytes, shift, next, layout.maxCode() * 0x10001, factors[2 * unit], factors[2 * unit + 1], factors[2 * unit + 2],
            factors[2 * unit + 3], sums, count);
      } else {
        four(bytes, shift, layout.maxCode(), factors[4 * unit], factors[4 * unit + 1], factors[4 * unit + 2], factors[4 * unit + 3],
            sums, count);
      }
    }
  }

  /** The pairs of two units. All arrays are read from their start on, so that C2 sees that no store meets a later load. */
  private static void pairs(int[] lanes, int shift, int next, int mask, int[] a, int[] b, int[] c, int[] d, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i] >>> shift;
      int y = x >>> next;
      sums[i] += (x & mask) * a[i] + (x >>> 8 & mask) * b[i] + (y & mask) * c[i] + (y >>> 8 & mask) * d[i];
    }
  }

  /** A unit of four columns, whose products may be large. */
  private static void four(int[] lanes, int shift, int mask, int[] a, int[] b, int[] c, int[] d, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i] >>> shift;
      sums[i] += (x & mask) * a[i] + (x >>> 8 & mask) * b[i] + (x >>> 16 & mask) * c[i] + (x >>> 24 & mask) * d[i];
    }
  }

  /** Two units of codes of 3 bits, {@link #THREES} bits apart. */
  private static void threes(int[] lanes, int unit, int lines, int[] bytes) {
    for (int line = 0; line < lines; line++) {
      for (int r = 0; r < TILE_ROWS; r++) {
        int at = 3 * line * TILE_ROWS + r;
        int low = lanes[at + unit / 4 * TILE_ROWS] >>> unit % 4 * 2;
        int high = lanes[at + 2 * TILE_ROWS] >>> unit;
        bytes[line * TILE_ROWS + r] = low & 0x03030303 | (high & 0x01010101) << 2 | (low & 0x0c0c0c0c) << 2 | (high & 0x02020202) << 5;
      }
    }
  }

  /** Adds what is in the upper bits of the lanes to their rows', and makes them 0. */
  private static void add(int[] sums, int shift, int[] totals) {
    for (int i = 0; i < sums.length; i++) {
      totals[i % TILE_ROWS] += sums[i] >>> shift;
      sums[i] = 0;
    }
  }

  private void scale(int group, int tile, int token, int[] totals, Tensor out) {
    int first = tile * TILE_ROWS;
    for (int r = 0; r < Math.min(TILE_ROWS, codes.rows - first); r++) {
      long at = codes.factors(first / Lanes.COUNT, group) + r * 4L;
      float scale = codes.factors.get(Tensor.FLOAT, at);
      int integer = totals[r] - codes.factors.get(Tensor.INT, at + TiledCodes.ZEROS) * groupSums[token * codes.groups + group]
          - codes.factors.get(Tensor.INT, at + TiledCodes.ROW_SUMS) * zeros[token];
      out.setFloat(token, first + r, out.getFloat(token, first + r) + integer * (scale * thetas[token]));
    }
  }
}
