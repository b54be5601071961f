package org.spikellm.backend.simd;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Tensor;

/**
 * Causal attention. A task is a kv head and a block of tokens: keys, then values, are decoded in tiles of {@link #TILE} positions
 * that start at multiples of it, each once for all query heads of the group and all tokens of the block. Between the two passes
 * lies the softmax of whole rows. A row (token, query head) goes through the same operations in the same order whatever the block.
 */
final class TiledAttention {

  /** Positions of a tile: 64 of them at 128 channels are 32 KiB. */
  private static final int TILE = 64;

  /** Floats of scores that a task may hold. */
  private static final int SCORES = 1 << 17;

  private static final int MAX_TOKENS = 16;
  private static final int LANES = Lanes.COUNT;
  private static final VectorShuffle<Float> SWAP_ONE = swap(1);
  private static final VectorShuffle<Float> SWAP_TWO = swap(2);
  private static final VectorShuffle<Float> SWAP_FOUR = swap(4);
  private static final VectorShuffle<Float> SWAP_EIGHT = swap(8);
  private static final VectorMask<Float> ODD_ONES = odd(1);
  private static final VectorMask<Float> ODD_TWOS = odd(2);
  private static final VectorMask<Float> ODD_FOURS = odd(4);
  private static final VectorMask<Float> ODD_EIGHTS = odd(8);

  private final Tensor queries;
  private final KeyValues cache;
  private final int position;
  private final Tensor out;
  private final int headDim;
  private final int width;
  private final int group;
  private final CachedRows rows;
  private final boolean plain;

  /** Attention with vectors, or without them but with the same results. */
  TiledAttention(Tensor queries, KeyValues cache, CachedRows.Channels channels, int position, Tensor out, boolean plain) {
    this.plain = plain;
    this.queries = queries;
    this.cache = cache;
    this.position = position;
    this.out = out;
    headDim = cache.headDim();
    width = Lanes.padded(headDim);
    group = queries.columns() / headDim / cache.kvHeads();
    rows = new CachedRows(cache, channels, plain);
  }

  private static VectorShuffle<Float> swap(int bit) {
    return VectorShuffle.fromOp(Lanes.FLOATS, i -> (i ^ bit) % LANES);
  }

  private static VectorMask<Float> odd(int bit) {
    boolean[] lanes = new boolean[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i & bit) != 0;
    }
    return VectorMask.fromArray(Lanes.FLOATS, lanes, 0);
  }

  void run(SimdSession session) {
    int stride = Lanes.padded(position + queries.rows()) + TILE;
    int tokens = Math.clamp(SCORES / ((long) group * stride), 1, MAX_TOKENS);
    int blocks = Lanes.ceilDiv(queries.rows(), tokens);
    // Later blocks see more positions: they come first, so that the workers end together.
    session.workers().forEach(blocks * cache.kvHeads(), (task, worker) -> {
      int block = blocks - 1 - task / cache.kvHeads();
      int first = block * tokens;
      attend(task % cache.kvHeads(), first, Math.min(queries.rows(), first + tokens), stride, session.scratch(worker));
    });
  }

  private void attend(int head, int first, int last, int stride, Scratch scratch) {
    int count = (last - first) * group;
    float[] query = scratch.a(count * width);
    float[] scores = scratch.b(count * stride);
    float[] tile = scratch.c(TILE * width);
    float[] part = scratch.d(Math.max(TILE / 4 * LANES, count * width));
    readQueries(head, first, last, query);
    int visible = position + last;
    for (int from = 0; from < visible; from += TILE) {
      int to = Math.min(visible, from + TILE);
      rows.keys(head, from, to, tile, width, scratch);
      for (int r = 0; r < count; r++) {
        int end = Math.min(to, position + first + r / group + 1);
        if (plain) {
          PlainRows.scores(query, r * width, width, tile, end - from, scores, r * stride + from, part);
        } else {
          scores(query, r * width, width, tile, end - from, scores, r * stride + from, part);
        }
      }
    }
    for (int r = 0; r < count; r++) {
      int length = position + first + r / group + 1;
      RowKernels.scale(scores, r * stride, length, plain ? PlainRows.softmax(scores, r * stride, length, part)
          : RowKernels.softmax(scores, r * stride, length, part));
    }
    float[] sums = part;
    Arrays.fill(sums, 0, count * width, 0);
    for (int from = 0; from < visible; from += TILE) {
      int to = Math.min(visible, from + TILE);
      rows.values(head, from, to, tile, width, scratch);
      for (int r = 0; r < count; r++) {
        int end = Math.min(to, position + first + r / group + 1);
        if (plain) {
          PlainRows.weigh(scores, r * stride + from, end - from, tile, width, sums, r * width);
        } else {
          weigh(scores, r * stride + from, end - from, tile, width, sums, r * width);
        }
      }
    }
    for (int r = 0; r < count; r++) {
      long at = (first + r / group) * out.rowBytes() + (long) (head * group + r % group) * headDim * Float.BYTES;
      MemorySegment.copy(sums, r * width, out.segment(), Tensor.FLOAT, at, headDim);
    }
  }

  /** The queries of a block, scaled by 1/√headDim and padded with zeros to whole vectors: [tokens · group][width]. */
  private void readQueries(int head, int first, int last, float[] query) {
    float scale = (float) (1 / Math.sqrt(headDim));
    for (int r = 0; r < (last - first) * group; r++) {
      long at = (first + r / group) * queries.rowBytes() + (long) (head * group + r % group) * headDim * Float.BYTES;
      MemorySegment.copy(queries.segment(), Tensor.FLOAT, at, query, r * width, headDim);
      RowKernels.scale(query, r * width, headDim, scale);
      Arrays.fill(query, r * width + headDim, (r + 1) * width, 0);
    }
  }

  /**
   * {@code scores[s] = query · tile[s]}. What follows, up to whole vectors, is overwritten with anything.
   *
   * @param quads holds {@code TILE / 4} vectors: a vector of four positions each, lane i a part of the sum of position i mod 4
   */
  static void scores(float[] query, int at, int width, float[] tile, int count, float[] scores, int target, float[] quads) {
    int c = 0;
    for (; c <= width - 4 * LANES; c += 4 * LANES) {
      wideQuads(query, at + c, tile, c, width, count, quads, c > 0);
    }
    for (; c < width; c += LANES) {
      narrowQuads(query, at + c, tile, c, width, count, quads, c > 0);
    }
    for (int s = 0; s < count; s += LANES) {
      total(quads, s / 4 * LANES).intoArray(scores, target + s);
    }
  }

  /** Four vectors of channels. Rows past count hold what an earlier tile left there, and make sums that are never read. */
  private static void wideQuads(float[] query, int at, float[] tile, int from, int width, int count, float[] quads, boolean add) {
    FloatVector q0 = FloatVector.fromArray(Lanes.FLOATS, query, at);
    FloatVector q1 = FloatVector.fromArray(Lanes.FLOATS, query, at + LANES);
    FloatVector q2 = FloatVector.fromArray(Lanes.FLOATS, query, at + 2 * LANES);
    FloatVector q3 = FloatVector.fromArray(Lanes.FLOATS, query, at + 3 * LANES);
    for (int s = 0; s < count; s += 4) {
      int k = s * width + from;
      FloatVector s0 = dot(q0, q1, q2, q3, tile, k);
      FloatVector s1 = dot(q0, q1, q2, q3, tile, k + width);
      FloatVector s2 = dot(q0, q1, q2, q3, tile, k + 2 * width);
      FloatVector s3 = dot(q0, q1, q2, q3, tile, k + 3 * width);
      put(merge(merge(s0, s1, SWAP_ONE, ODD_ONES), merge(s2, s3, SWAP_ONE, ODD_ONES), SWAP_TWO, ODD_TWOS), quads, s / 4 * LANES,
          add);
    }
  }

  private static FloatVector dot(FloatVector q0, FloatVector q1, FloatVector q2, FloatVector q3, float[] tile, int k) {
    FloatVector sum = q0.mul(FloatVector.fromArray(Lanes.FLOATS, tile, k));
    sum = DenseTile.fma(q1, FloatVector.fromArray(Lanes.FLOATS, tile, k + LANES), sum);
    sum = DenseTile.fma(q2, FloatVector.fromArray(Lanes.FLOATS, tile, k + 2 * LANES), sum);
    return DenseTile.fma(q3, FloatVector.fromArray(Lanes.FLOATS, tile, k + 3 * LANES), sum);
  }

  /** As {@link #wideQuads} for one vector of channels. */
  private static void narrowQuads(float[] query, int at, float[] tile, int from, int width, int count, float[] quads, boolean add) {
    FloatVector q = FloatVector.fromArray(Lanes.FLOATS, query, at);
    for (int s = 0; s < count; s += 4) {
      int k = s * width + from;
      FloatVector s0 = q.mul(FloatVector.fromArray(Lanes.FLOATS, tile, k));
      FloatVector s1 = q.mul(FloatVector.fromArray(Lanes.FLOATS, tile, k + width));
      FloatVector s2 = q.mul(FloatVector.fromArray(Lanes.FLOATS, tile, k + 2 * width));
      FloatVector s3 = q.mul(FloatVector.fromArray(Lanes.FLOATS, tile, k + 3 * width));
      put(merge(merge(s0, s1, SWAP_ONE, ODD_ONES), merge(s2, s3, SWAP_ONE, ODD_ONES), SWAP_TWO, ODD_TWOS), quads, s / 4 * LANES,
          add);
    }
  }

  private static void put(FloatVector sums, float[] quads, int at, boolean add) {
    (add ? FloatVector.fromArray(Lanes.FLOATS, quads, at).add(sums) : sums).intoArray(quads, at);
  }

  /** The sums of {@link Lanes#COUNT} positions, in order, from as many vectors of quads as that takes: 1, 2 or 4. */
  private static FloatVector total(float[] quads, int at) {
    FloatVector x = FloatVector.fromArray(Lanes.FLOATS, quads, at);
    if (LANES == 4) {
      return x;
    }
    x = merge(x, FloatVector.fromArray(Lanes.FLOATS, quads, at + LANES), SWAP_FOUR, ODD_FOURS);
    if (LANES == 8) {
      return x;
    }
    FloatVector y = merge(FloatVector.fromArray(Lanes.FLOATS, quads, at + 2 * LANES),
        FloatVector.fromArray(Lanes.FLOATS, quads, at + 3 * LANES), SWAP_FOUR, ODD_FOURS);
    return merge(x, y, SWAP_EIGHT, ODD_EIGHTS);
  }

  /**
   * Half the lanes of two vectors of partial sums in one: with strides 1 and then 2, lane i of every four holds the sum of vector i's
   * four; with 4 and 8 after them, lane i of sixteen that of vector i. The order of the sums is the same on every call, unlike that
   * of {@code reduceLanes}.
   */
  private static FloatVector merge(FloatVector x, FloatVector y, VectorShuffle<Float> swap, VectorMask<Float> odd) {
    return x.blend(y, odd).add(y.blend(x, odd).rearrange(swap));
  }

  /** {@code sums += Σ_s weights[s] · tile[s]}, positions in order. */
  static void weigh(float[] weights, int at, int count, float[] tile, int width, float[] sums, int target) {
    int c = 0;
    for (; c <= width - 4 * LANES; c += 4 * LANES) {
      FloatVector s0 = FloatVector.fromArray(Lanes.FLOATS, sums, target + c);
      FloatVector s1 = FloatVector.fromArray(Lanes.FLOATS, sums, target + c + LANES);
      FloatVector s2 = FloatVector.fromArray(Lanes.FLOATS, sums, target + c + 2 * LANES);
      FloatVector s3 = FloatVector.fromArray(Lanes.FLOATS, sums, target + c + 3 * LANES);
      for (int s = 0; s < count; s++) {
        FloatVector w = FloatVector.broadcast(Lanes.FLOATS, weights[at + s]);
        int from = s * width + c;
        s0 = DenseTile.fma(w, FloatVector.fromArray(Lanes.FLOATS, tile, from), s0);
        s1 = DenseTile.fma(w, FloatVector.fromArray(Lanes.FLOATS, tile, from + LANES), s1);
        s2 = DenseTile.fma(w, FloatVector.fromArray(Lanes.FLOATS, tile, from + 2 * LANES), s2);
        s3 = DenseTile.fma(w, FloatVector.fromArray(Lanes.FLOATS, tile, from + 3 * LANES), s3);
      }
      s0.intoArray(sums, target + c);
      s1.intoArray(sums, target + c + LANES);
      s2.intoArray(sums, target + c + 2 * LANES);
      s3.intoArray(sums, target + c + 3 * LANES);
    }
    for (; c < width; c += LANES) {
      FloatVector sum = FloatVector.fromArray(Lanes.FLOATS, sums, target + c);
      for (int s = 0; s < count; s++) {
        FloatVector w = FloatVector.broadcast(Lanes.FLOATS, weights[at + s]);
        sum = DenseTile.fma(w, FloatVector.fromArray(Lanes.FLOATS, tile, s * width + c), sum);
      }
      sum.intoArray(sums, target + c);
    }
  }
}
