package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.CountRow;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Attention past the tiles of 64 positions, against the API's own kernel, which sums in double. */
class AttentionTest {

  private static final double U = 0x1p-24;

  /** The API's kernels. */
  private static final Session PLAIN = new Session() {
    @Override
    public void matmul(Tensor a, Tensor b, Tensor out) {
      throw new UnsupportedOperationException();
    }

    @Override
    public SpikingLinear prepare(QuantizedWeight weight) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  };

  /** Counts of 4 to 6 bits, or of a byte, or of two where {@code top} is past 255; floats where it is 0. */
  private static KeyValues cache(Random random, int kvHeads, int headDim, int capacity, int top) {
    int channels = kvHeads * headDim;
    int rows = kvHeads * capacity;
    if (top == 0) {
      return new KeyValues(kvHeads, headDim, capacity, null, normal(random, rows, headDim), normal(random, rows, headDim), null,
          null);
    }
    boolean[] salient = new boolean[channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      salient[c] = random.nextInt(5) == 0;
      low[c] = -1 - random.nextFloat();
      high[c] = 1 + random.nextFloat();
    }
    KeyValueEncoding encoding = new KeyValueEncoding(null, new Dynamics(1, 1, 0, top / 2, 1), new Dynamics(1, 1, 0, top / 2, 2),
        true, salient, low, high, salient);
    CountRow counts = encoding.row(headDim);
    Tensor keys = Tensor.allocate(counts.type(), rows, counts.columns());
    Tensor values = Tensor.allocate(counts.type(), rows, counts.columns());
    Tensor thetas = Tensor.allocate(DType.F32, rows, 2);
    Tensor zeros = Tensor.allocate(DType.I32, rows, 2);
    for (int r = 0; r < rows; r++) {
      for (Tensor tensor : List.of(keys, values)) {
        counts.write(tensor, r, random.ints(headDim, -encoding.offset(), top - encoding.offset() + 1).toArray(), 0);
      }
      for (int k = 0; k < 2; k++) {
        thetas.setFloat(r, k, (1 + random.nextFloat()) / top);
        zeros.setInt(r, k, random.nextInt(top) - encoding.offset());
      }
    }
    return new KeyValues(kvHeads, headDim, capacity, encoding, keys, values, thetas, zeros);
  }

  private static Tensor normal(Random random, int rows, int columns) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian());
      }
    }
    return x;
  }

  @ParameterizedTest
  @EnumSource
  void longRows(Instructions set) {
    try (Session session = Sessions.open(set, 2)) {
      for (int top : new int[] {0, 14, 30, 62, 120, 250, 4000}) {
        attend(session, new Random(top), cache(new Random(top + 1), 2, 64, 200, top), 8, 1, 199);
        attend(session, new Random(top), cache(new Random(top + 2), 1, 48, 131, top), 3, 70, 61);
        attend(session, new Random(top), cache(new Random(top + 3), 3, 5, 65, top), 3, 65, 0);
      }
      attend(session, new Random(9), cache(new Random(10), 1, 20, 1100, 30), 1, 2, 1098);
    }
  }

  /**
   * With D channels and n positions: a score is off by δ <= (D + 8)·u·Σ|q|·size(k)/√D, so a weight by 2δ and its exponential's 10
   * u relative to it, and a sum of n of them adds n + 4 roundings, a value 4: in all (2δ + (2n + D + 30) u) of the largest value.
   */
  private static void attend(Session session, Random random, KeyValues cache, int heads, int tokens, int position) {
    int dim = cache.headDim();
    Tensor queries = normal(random, tokens, heads * dim);
    Tensor out = Tensor.allocate(DType.F32, tokens, heads * dim);
    Tensor expected = Tensor.allocate(DType.F32, tokens, heads * dim);
    Tensor alone = Tensor.allocate(DType.F32, tokens, heads * dim);
    session.attention(queries, cache, position, out);
    PLAIN.attention(queries, cache, position, expected);
    for (int t = 0; t < tokens; t++) {
      session.attention(queries.rows(t, t + 1), cache, position + t, alone.rows(t, t + 1));
    }
    String what = cache.counts() + ", " + tokens + " tokens at " + position;
    assertArrayEquals(alone.toFloats(), out.toFloats(), what + ", one by one");
    double largestKey = largest(cache, true);
    double largestValue = largest(cache, false);
    int length = position + tokens;
    for (int t = 0; t < tokens; t++) {
      for (int h = 0; h < heads; h++) {
        double query = 0;
        for (int c = 0; c < dim; c++) {
          query += Math.abs(queries.getFloat(t, h * dim + c));
        }
        double score = (dim + 8) * U * query * largestKey / Math.sqrt(dim);
        double bound = (2 * score + (2 * length + dim + 30) * U) * largestValue;
        for (int c = 0; c < dim; c++) {
          assertEquals(expected.getFloat(t, h * dim + c), out.getFloat(t, h * dim + c), bound, what);
        }
      }
    }
  }

  /** The largest of a cache's numbers, with its parts (|n| + |zero|)·θ taken apart. */
  private static double largest(KeyValues cache, boolean keys) {
    double largest = 0;
    for (int r = 0; r < cache.keys().rows(); r++) {
      for (int c = 0; c < cache.headDim(); c++) {
        int channel = r / cache.capacity() * cache.headDim() + c;
        if (!cache.spiking()) {
          largest = Math.max(largest, Math.abs((keys ? cache.keys() : cache.values()).getFloat(r, c)));
        } else if (keys) {
          var range = cache.encoding().keyRange(channel);
          int offset = cache.encoding().offset();
          largest = Math.max(largest, (Math.abs(cache.counts().get(cache.keys(), r, c)) + 2 * offset + Math.abs(range.zero()))
              * (double) range.theta());
        } else {
          int k = cache.encoding().valueSalient()[channel] ? 1 : 0;
          int count = cache.counts().get(cache.values(), r, c);
          largest = Math.max(largest, (Math.abs(count) + Math.abs(cache.valueZeros().getInt(r, k)))
              * (double) cache.valueThresholds().getFloat(r, k));
        }
      }
    }
    return largest;
  }
}
