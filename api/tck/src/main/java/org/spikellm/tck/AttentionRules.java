package org.spikellm.tck;

import org.spikellm.api.DType;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules B.60 to B.63. */
final class AttentionRules {

  private AttentionRules() {}

  /** The numbers of a cache: decoded, and how large the parts are that a kernel may add them up from. */
  private record Decoded(double[][] keys, double[][] keySizes, double[][] values, double[][] valueSizes) {}

  static void floats(Session session) {
    for (int headDim : new int[] {1, 3, 8, 15, 16, 33, 64}) {
      Draw draw = new Draw("attention over floats, heads of " + headDim);
      everyPlace(session, draw, CacheCase.floats(draw, 2, headDim, 41, Placement.ALIGNED));
    }
  }

  static void spikes(Session session) {
    spikes(session, CacheCase.Counts.BYTES, 1, 3, 8, 15, 16, 33, 64);
    spikes(session, CacheCase.Counts.SHORTS, 1, 3, 8, 15, 16, 33, 64);
    spikes(session, CacheCase.Counts.BYTES_OF_BOTH_SIGNS, 7, 64);
  }

  static void packed(Session session) {
    for (CacheCase.Counts counts : CacheCase.Counts.PACKED) {
      spikes(session, counts, 7, 33, 64, 128);
    }
    spikes(session, CacheCase.Counts.FIVE, 1, 3, 8, 15, 16, 32, 65, 80, 100);
  }

  private static void spikes(Session session, CacheCase.Counts counts, int... headDims) {
    for (int headDim : headDims) {
      Draw draw = new Draw("attention over spikes, " + counts + ", heads of " + headDim);
      everyPlace(session, draw, CacheCase.spiking(draw, 2, headDim, 41, counts, Placement.ALIGNED));
    }
  }

  /** Positions that are not there yet may hold anything. */
  static void later(Session session) {
    Draw draw = new Draw("attention beside positions that are not there yet");
    CacheCase filled = CacheCase.floats(draw, 2, 16, 40, Placement.ALIGNED);
    KeyValues cache = filled.cache();
    for (int head = 0; head < 2; head++) {
      for (int s = 20; s < 40; s++) {
        cache.keys().rows(cache.row(head, s), cache.row(head, s) + 1).segment().fill((byte) 0xff); // NaN
        cache.values().rows(cache.row(head, s), cache.row(head, s) + 1).segment().fill((byte) 0xff);
      }
    }
    attend(session, draw, filled, 4, 20, 0);
    attend(session, draw, filled, 4, 1, 19);
    attend(session, draw, filled, 4, 5, 0);
  }

  private static void everyPlace(Session session, Draw draw, CacheCase cache) {
    attend(session, draw, cache, 2, 17, 0);
    attend(session, draw, cache, 6, 1, 40);
    attend(session, draw, cache, 8, 9, 13);
    attend(session, draw, cache, 4, 1, 0);
  }

  /**
   * With D channels a head, n positions, u = 2⁻²⁴: a score is within δ = (D + 6)·u·Σ|q|·size(k)/√D; its exponential, with d the
   * distance to the largest score, within 2δ + (d + EXP)·u; where the sums are rescaled when a larger score comes, at most n
   * times, by EXP + 2 roundings more; the weighted sum adds n + D + 6. Sizes are |n − zero|·θ taken apart: (|n| + |zero|)·θ.
   */
  private static void attend(Session session, Draw draw, CacheCase filled, int heads, int tokens, int position) {
    KeyValues cache = filled.cache();
    int dim = cache.headDim();
    Tensor queries = draw.normal(Placement.ALIGNED.tensor(DType.F32, tokens, heads * dim), 1);
    Tensor out = Placement.ALIGNED.tensor(DType.F32, tokens, heads * dim);
    out.segment().fill((byte) 0xff); // NaN: replaced, not added to
    session.attention(queries, cache, position, out);
    String what = draw + ", " + heads + " heads, " + tokens + " tokens at position " + position;
    for (int h = 0; h < heads; h++) {
      Decoded decoded = decode(filled, h / (heads / cache.kvHeads()), position + tokens);
      for (int t = 0; t < tokens; t++) {
        double[] query = new double[dim];
        for (int c = 0; c < dim; c++) {
          query[c] = queries.getFloat(t, h * dim + c);
        }
        check(query, decoded, position + t + 1, out, t, h * dim, what);
      }
    }
  }

  private static void check(double[] query, Decoded decoded, int visible, Tensor out, int t, int first, String what) {
    int dim = query.length;
    double[] score = new double[visible];
    double[] off = new double[visible];
    double max = Double.NEGATIVE_INFINITY;
    double worst = 0;
    for (int s = 0; s < visible; s++) {
      double size = 0;
      for (int c = 0; c < dim; c++) {
        score[s] += query[c] * decoded.keys[s][c] / Math.sqrt(dim);
        size += Math.abs(query[c]) * decoded.keySizes[s][c] / Math.sqrt(dim);
      }
      off[s] = (dim + 6) * Near.U * size;
      max = Math.max(max, score[s]);
      worst = Math.max(worst, off[s]);
    }
    double sum = 0;
    double mean = 0;
    for (int s = 0; s < visible; s++) {
      double p = Math.exp(score[s] - max);
      off[s] += worst + (max - score[s] + Near.EXP + visible * (Near.EXP + 2)) * Near.U;
      sum += p;
      mean += p * off[s];
    }
    for (int c = 0; c < dim; c++) {
      double expected = 0;
      double bound = (visible + 1) * (double) Float.MIN_NORMAL;
      for (int s = 0; s < visible; s++) {
        double p = Math.exp(score[s] - max) / sum;
        expected += p * decoded.values[s][c];
        bound += p * decoded.valueSizes[s][c] * 1.01 * (off[s] + mean / sum + (2 * visible + dim + 6) * Near.U);
      }
      Near.check(expected, out.getFloat(t, first + c), bound, () -> what, t, first + c);
    }
  }

  private static Decoded decode(CacheCase filled, int head, int length) {
    KeyValues cache = filled.cache();
    int dim = cache.headDim();
    Decoded decoded = new Decoded(new double[length][dim], new double[length][dim], new double[length][dim],
        new double[length][dim]);
    for (int s = 0; s < length; s++) {
      int row = cache.row(head, s);
      for (int c = 0; c < dim; c++) {
        if (!cache.spiking()) {
          decoded.keys[s][c] = cache.keys().getFloat(row, c);
          decoded.keySizes[s][c] = Math.abs(decoded.keys[s][c]);
          decoded.values[s][c] = cache.values().getFloat(row, c);
          decoded.valueSizes[s][c] = Math.abs(decoded.values[s][c]);
          continue;
        }
        var range = cache.encoding().keyRange(head * dim + c);
        int offset = cache.encoding().offset();
        int stored = filled.keys()[row][c] - offset;
        decoded.keys[s][c] = (stored + offset - range.zero()) * (double) range.theta();
        decoded.keySizes[s][c] = (Math.abs(stored) + 2 * offset + Math.abs(range.zero())) * (double) range.theta();
        int salient = cache.encoding().valueSalient()[head * dim + c] ? 1 : 0;
        int value = filled.values()[row][c] - offset;
        int zero = cache.valueZeros().getInt(row, salient);
        double theta = cache.valueThresholds().getFloat(row, salient);
        decoded.values[s][c] = (value - zero) * theta;
        decoded.valueSizes[s][c] = (Math.abs(value) + 2 * offset + Math.abs(zero)) * theta;
      }
    }
    return decoded;
  }
}
