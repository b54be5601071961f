package org.spikellm.backend.simd;

import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The products of {@link SimdLinear} with encoded inputs in plain Java, for the time until its kernels are compiled: exact integers, and the same
 * steps from them to floats. A tile's codes are unpacked row by row, and multiplied with every token.
 */
final class PlainCodes {

  private static final int TILE_ROWS = CodeLayout.TILE_ROWS;

  private final TiledCodes codes;
  private final int tokens;
  /** Counts less their zero point, [tokens][columns]. */
  private final int[] activations;
  private final float[] thetas;

  private PlainCodes(TiledCodes codes, int tokens) {
    this.codes = codes;
    this.tokens = tokens;
    activations = new int[Math.multiplyExact(tokens, codes.columns)];
    thetas = new float[tokens];
  }

  /** The activations of class {@code c}, or null where the integers of a group might not fit 32 bits. */
  static PlainCodes of(TiledCodes codes, SpikeTrain x, int c, StagedSpikes.Row row) {
    PlainCodes plain = new PlainCodes(codes, x.tokens());
    long most = Integer.MAX_VALUE / Math.max(1, codes.maxGroupColumns) / Math.max(1, codes.maxDistance);
    for (int t = 0; t < x.tokens(); t++) {
      int[] counts = row.read(x, t, x.order().start(c), x.order().end(c));
      int zero = x.zeros().getInt(t, c);
      plain.thetas[t] = x.thresholds().getFloat(t, c);
      for (int j = 0; j < codes.columns; j++) {
        long distance = (long) counts[j] - zero;
        if (Math.abs(distance) > most) {
          return null;
        }
        plain.activations[t * codes.columns + j] = (int) distance;
      }
    }
    return plain;
  }

  /** Adds the products of a tile's rows to {@code out}. */
  void accumulate(int tile, Tensor out, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int[] lanes = scratch.digits(codes.lines() * layout.lanes() * TILE_ROWS);
    codes.copy(tile, 0, codes.lines(), lanes);
    int[] row = scratch.dots(codes.lines() * layout.perLine());
    int first = tile * TILE_ROWS;
    for (int r = 0; r < Math.min(TILE_ROWS, codes.rows - first); r++) {
      unpack(lanes, r, row);
      for (int g = 0; g < codes.groups; g++) {
        long at = codes.factors(first / Lanes.COUNT, g) + r * 4L;
        float scale = codes.factors.get(Tensor.FLOAT, at);
        int zero = codes.factors.get(Tensor.INT, at + TiledCodes.ZEROS);
        int from = codes.groupStart(g);
        for (int t = 0; t < tokens; t++) {
          int integer = dot(row, from, zero, activations, t * codes.columns + from, codes.groupEnd(g) - from);
          out.setFloat(t, first + r, out.getFloat(t, first + r) + integer * (scale * thetas[t]));
        }
      }
    }
  }

  private static int dot(int[] row, int from, int zero, int[] activations, int at, int width) {
    int sum = 0;
    for (int j = 0; j < width; j++) {
      sum += (row[from + j] - zero) * activations[at + j];
    }
    return sum;
  }

  /** The codes of a row of a tile. */
  private void unpack(int[] lanes, int r, int[] row) {
    CodeLayout layout = codes.layout;
    if (layout.bits() == 4) {
      unpack4(lanes, r, codes.lines(), row);
      return;
    }
    int perLine = layout.perLine();
    for (int line = 0; line < codes.lines(); line++) {
      for (int i = 0; i < perLine; i++) {
        row[line * perLine + i] = layout.code(lanes, line * layout.lanes() * TILE_ROWS + r, TILE_ROWS, i);
      }
    }
  }

  private static void unpack4(int[] lanes, int r, int lines, int[] row) {
    for (int line = 0; line < lines; line++) {
      int lane = lanes[line * TILE_ROWS + r];
      for (int k = 0; k < 4; k++) {
        row[8 * line + k] = lane >>> 8 * k & 15;
        row[8 * line + 4 + k] = lane >>> 8 * k + 4 & 15;
      }
    }
  }
}
