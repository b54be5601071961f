package org.spikellm.backend.simd;

import java.util.Arrays;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The products of {@link SimdLinear} with encoded inputs in plain Java, for the time until its kernels are compiled: exact integers, and
 * the same steps from them to floats. What takes the time is one loop over ints that C2 makes vectors of soon: a lane of 32 bits is multiplied by
 * factors that stand 16 times, once a row, beside each other, and added up for each lane of a piece of a tile on its own.
 */
final class PlainCodes {

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  /** Columns of a piece, whose factors fit the first cache. */
  private static final int COLUMNS = 256;

  /** Tiles of a slice, which share factors, and tokens: their sums fit the second cache. */
  private static final int TILES = 16;
  private static final int TOKENS = 8;

  private final TiledCodes codes;
  private final int tokens;
  /** Counts less their zero point, [tokens][places of the steps' columns]. */
  private final int[] activations;
  /** Σ of them, [tokens][groups]. */
  private final int[] groupSums;
  private final float[] thetas;
  /** Lines of a piece. */
  private final int lines;

  private PlainCodes(TiledCodes codes, int tokens) {
    this.codes = codes;
    this.tokens = tokens;
    lines = COLUMNS / codes.layout.perLine();
    activations = new int[Math.multiplyExact(tokens, codes.places())];
    groupSums = new int[tokens * codes.groups];
    thetas = new float[tokens];
  }

  /** The activations of class {@code c}, or null where the integers of a group might not fit 32 bits. */
  static PlainCodes of(TiledCodes codes, SpikeTrain x, int c, StagedSpikes.Row row) {
    PlainCodes plain = new PlainCodes(codes, x.tokens());
    long most = Integer.MAX_VALUE / Math.max(1, codes.maxGroupColumns) / Math.max(1, codes.maxDistance);
    for (int t = 0; t < x.tokens(); t++) {
      int[] counts = row.read(x, t, x.order().start(c), x.order().end(c));
      plain.thetas[t] = x.thresholds().getFloat(t, c);
      if (!plain.stage(t, counts, x.zeros().getInt(t, c), most)) {
        return null;
      }
    }
    return plain;
  }

  private boolean stage(int token, int[] counts, int zero, long most) {
    for (int g = 0; g < codes.groups; g++) {
      int at = token * codes.places() + codes.place(g) - codes.groupStart(g);
      int sum = 0;
      for (int j = codes.groupStart(g); j < codes.groupEnd(g); j++) {
        long distance = (long) counts[j] - zero;
        if (Math.abs(distance) > most) {
          return false;
        }
        activations[at + j] = (int) distance;
        sum += (int) distance;
      }
      groupSums[token * codes.groups + g] = sum;
    }
    return true;
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
      for (int g = 0; g < codes.groups; g++) {
        int[][] sums = scratch.arrays(tiles * (last - token), lines * TILE_ROWS);
        for (int i = 0; i < tiles * (last - token); i++) {
          Arrays.fill(sums[i], 0);
        }
        multiply(g, first, tiles, token, last, sums, scratch);
        for (int tile = first, i = 0; tile < first + tiles; tile++) {
          for (int t = token; t < last; t++, i++) {
            scale(g, tile, t, sums[i], out);
          }
        }
      }
    }
  }

  /** The products of a group, for each lane of a piece: sums are [tiles][tokens]. */
  private void multiply(int group, int first, int tiles, int token, int last, int[][] sums, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int[][] factors = scratch.factors(layout.perLine(), lines * TILE_ROWS);
    int[] lanes = scratch.digits(lines * layout.lanes() * TILE_ROWS);
    int end = codes.groupStepEnd(group);
    for (int step = codes.groupStep(group), count; step < end; step += count) {
      count = Math.min(lines, end - step);
      int line = codes.line(group) + step - codes.groupStep(group);
      for (int t = token; t < last; t++) {
        spread(activations, t * codes.places() + step * layout.perLine(), layout.perLine(), count, factors);
        for (int tile = 0; tile < tiles; tile++) {
          codes.copy(first + tile, line, count, lanes);
          multiply(lanes, count, factors, sums[tile * (last - token) + t - token], scratch);
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

  private void multiply(int[] lanes, int lines, int[][] factors, int[] sums, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int count = lines * TILE_ROWS;
    for (int unit = 0; unit < layout.units(); unit++) {
      int[] bytes = lanes;
      int shift = unit * layout.bits();
      if (layout.bits() == 3) {
        bytes = scratch.dots(count);
        threes(lanes, unit, lines, bytes);
        shift = 0;
      }
      four(bytes, shift, layout.maxCode(), factors[4 * unit], factors[4 * unit + 1], factors[4 * unit + 2], factors[4 * unit + 3], sums,
          count);
    }
  }

  /** A unit of four columns. All arrays are read from their start on, so that C2 sees that no store meets a later load. */
  private static void four(int[] lanes, int shift, int mask, int[] a, int[] b, int[] c, int[] d, int[] sums, int count) {
    for (int i = 0; i < count; i++) {
      int x = lanes[i] >>> shift;
      sums[i] += (x & mask) * a[i] + (x >>> 8 & mask) * b[i] + (x >>> 16 & mask) * c[i] + (x >>> 24 & mask) * d[i];
    }
  }

  /** A unit of codes of 3 bits, one a byte. */
  private static void threes(int[] lanes, int unit, int lines, int[] bytes) {
    for (int line = 0; line < lines; line++) {
      for (int r = 0; r < TILE_ROWS; r++) {
        int at = 3 * line * TILE_ROWS + r;
        bytes[line * TILE_ROWS + r] = lanes[at + unit / 4 * TILE_ROWS] >>> unit % 4 * 2 & 0x03030303
            | (lanes[at + 2 * TILE_ROWS] >>> unit & 0x01010101) << 2;
      }
    }
  }

  private void scale(int group, int tile, int token, int[] sums, Tensor out) {
    int first = tile * TILE_ROWS;
    for (int r = 0; r < Math.min(TILE_ROWS, codes.rows - first); r++) {
      long at = codes.factors(first / Lanes.COUNT, group) + r * 4L;
      float scale = codes.factors.get(Tensor.FLOAT, at);
      int integer = -codes.factors.get(Tensor.INT, at + TiledCodes.ZEROS) * groupSums[token * codes.groups + group];
      for (int i = r; i < sums.length; i += TILE_ROWS) {
        integer += sums[i];
      }
      out.setFloat(token, first + r, out.getFloat(token, first + r) + integer * (scale * thetas[token]));
    }
  }
}
