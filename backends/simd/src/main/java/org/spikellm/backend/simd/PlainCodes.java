package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/**
 * The products of {@link SimdLinear} with encoded inputs in plain Java, for the time until its kernels are compiled: exact integers, and the same
 * steps from them to floats. A block's codes are unpacked row by row, and multiplied with every token.
 */
final class PlainCodes {

  private final PackedCodes codes;
  private final int tokens;
  /** Counts less their zero point, [tokens][columns]. */
  private final int[] activations;
  private final float[] thetas;

  private PlainCodes(PackedCodes codes, int tokens) {
    this.codes = codes;
    this.tokens = tokens;
    activations = new int[Math.multiplyExact(tokens, codes.columns)];
    thetas = new float[tokens];
  }

  /** The activations of class {@code c}, or null where the integers of a group might not fit 32 bits. */
  static PlainCodes of(PackedCodes codes, SpikeTrain x, int c, StagedSpikes.Row row) {
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

  /** Adds the products of a block's rows to {@code out}. */
  void accumulate(int block, Tensor out, Scratch scratch) {
    CodeLayout layout = codes.layout;
    int[] words = scratch.digits(codes.steps * Lanes.BLOCK);
    for (int step = 0; step < codes.steps; step = codes.pieceEnd(step)) {
      MemorySegment.copy(codes.memory, Tensor.INT, codes.at(block, step), words, step * Lanes.BLOCK,
          (codes.pieceEnd(step) - step) * Lanes.BLOCK);
    }
    int[] row = scratch.dots(codes.steps * layout.perStep());
    int first = block * Lanes.BLOCK;
    for (int lane = 0; lane < Math.min(Lanes.BLOCK, codes.rows - first); lane++) {
      unpack(words, lane, row);
      for (int g = 0; g < codes.groups; g++) {
        long at = codes.group(block, g) + lane * 4L;
        float scale = codes.memory.get(Tensor.FLOAT, at);
        int zero = codes.memory.get(Tensor.INT, at + PackedCodes.ZEROS);
        int width = codes.groupEnd(g) - codes.groupStart(g);
        int from = codes.groupStep(g) * layout.perStep();
        for (int t = 0; t < tokens; t++) {
          int integer = dot(row, from, zero, activations, t * codes.columns + codes.groupStart(g), width);
          out.setFloat(t, first + lane, out.getFloat(t, first + lane) + integer * (scale * thetas[t]));
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

  /** The codes of a row, in steps: what a step has over holds 0. */
  private void unpack(int[] words, int lane, int[] row) {
    CodeLayout layout = codes.layout;
    if (layout.bits() == 4) {
      unpack4(words, lane % Lanes.COUNT, lane < Lanes.COUNT ? 0 : 8, codes.steps, row);
      return;
    }
    int mask = layout.maxCode();
    int perStep = layout.perStep();
    for (int s = 0; s < codes.steps; s++) {
      int bits = layout.row(words, s * Lanes.BLOCK, lane);
      for (int p = 0; p < perStep; p++) {
        row[s * perStep + p] = bits >>> layout.shift(p) & mask;
      }
    }
  }

  private static void unpack4(int[] words, int lane, int shift, int steps, int[] row) {
    for (int s = 0; s < steps; s++) {
      int low = words[s * Lanes.BLOCK + lane] >>> shift;
      int high = words[s * Lanes.BLOCK + Lanes.COUNT + lane] >>> shift;
      row[8 * s] = low & 15;
      row[8 * s + 1] = low >>> 4 & 15;
      row[8 * s + 2] = low >>> 16 & 15;
      row[8 * s + 3] = low >>> 20 & 15;
      row[8 * s + 4] = high & 15;
      row[8 * s + 5] = high >>> 4 & 15;
      row[8 * s + 6] = high >>> 16 & 15;
      row[8 * s + 7] = high >>> 20 & 15;
    }
  }
}
