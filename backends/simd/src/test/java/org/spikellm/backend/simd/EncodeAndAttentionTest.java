package org.spikellm.backend.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Encoding against the API's own plain kernel, bit for bit; attention against double. */
class EncodeAndAttentionTest {

  /** A session of the API's defaults. */
  private static final class Plain implements Session {

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
  }

  private final NeuronModel neuron = new Levels();
  private final Random random = seeded();

  @Test
  void countsAreThoseOfThePlainEncoder() {
    for (int channels : new int[] {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 255, 1021}) {
      for (int bits : new int[] {2, 4, 6, 8}) {
        for (float magnitude : new float[] {1, 1e-9f, 1e9f, 1e30f}) {
          for (boolean collapsed : new boolean[] {true, false}) {
            encode(channels, new Encoding(neuron, order(channels), List.of(neuron.dynamics(bits, 1), neuron.dynamics(bits, 2)),
                collapsed), magnitude);
          }
          encode(channels, new Encoding(neuron, order(channels), List.of(new Dynamics(1, 1, -7, 7, 1),
              new Dynamics(1, 1, -7, 7, 4)), true), magnitude);
        }
      }
    }
  }

  private void encode(int channels, Encoding encoding, float magnitude) {
    Tensor x = random(5, channels, magnitude);
    for (int c = 0; c < channels; c++) {
      x.setFloat(1, c, magnitude * (100 + 0.01f * random.nextFloat())); // far from zero: the zero point leaves the counts' range
      x.setFloat(2, c, 0);
      x.setFloat(3, c, c * magnitude / 2); // many ties
    }
    SpikeTrain expected = SpikeTrain.allocate(encoding, 5);
    new Plain().encode(x, encoding, expected);
    for (int threads = 1; threads <= 3; threads++) {
      SpikeTrain found = SpikeTrain.allocate(encoding, 5);
      List<Guarded> planes = found.planes().stream().map(p -> Guarded.of(p.dtype(), p.rows(), p.columns())).toList();
      SpikeTrain guarded = new SpikeTrain(found.order(), planes.stream().map(Guarded::tensor).toList(), found.thresholds(),
          found.zeros(), found.offset());
      try (Session session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
        session.encode(x, encoding, guarded);
      }
      String what = channels + " channels, " + encoding.dynamics() + ", magnitude " + magnitude;
      for (int p = 0; p < planes.size(); p++) {
        assertArrayEquals(expected.planes().get(p).toFloats(), planes.get(p).tensor().toFloats(), what);
        planes.get(p).check(what);
      }
      assertArrayEquals(expected.thresholds().toFloats(), found.thresholds().toFloats(), what);
      assertArrayEquals(expected.zeros().toFloats(), found.zeros().toFloats(), what);
    }
  }

  @Test
  void attentionAgreesWithDoubleOverEveryCache() {
    for (int headDim : new int[] {1, 3, 8, 20, 48, 64, 80, 128}) {
      for (int bits : new int[] {0, 3, 4, 5, 7, 8}) {
        attention(headDim, 2, new int[] {1, 3, 8}[random.nextInt(3)], 70, bits);
        attention(headDim, 2, 3, new int[] {1, 2, 64, 200}[random.nextInt(4)], bits);
      }
    }
  }

  /** Salient channels take a bit more: a cache of 3 to 5 bits is packed, one of 7 has bytes, of 8 shorts, of 0 floats. */
  private void attention(int headDim, int kvHeads, int group, int length, int bits) {
    int channels = kvHeads * headDim;
    KeyValueEncoding encoding = bits == 0 ? null : keyValues(channels, bits);
    KeyValues cache = KeyValues.allocate(kvHeads, headDim, length + random.nextInt(2) * 3, encoding);
    cache.append(random(length, channels, 1), random(length, channels, 1), 0);
    Tensor queries = random(length, channels * group, 1);
    float[] all = run(queries, cache, 0, 1);
    String what = "heads of " + headDim + ", groups of " + group + ", " + length + " positions, " + bits + " bits";
    compare(queries, cache, all, what);
    assertArrayEquals(all, run(queries, cache, 0, 2), what);
    assertArrayEquals(all, run(queries, cache, 0, 3), what);
    float[] last = run(queries.rows(length - 1, length), cache, length - 1, 2);
    assertArrayEquals(Arrays.copyOfRange(all, all.length - last.length, all.length), last, what + ", decoded");
  }

  private static float[] run(Tensor queries, KeyValues cache, int position, int threads) {
    Guarded out = Guarded.of(DType.F32, queries.rows(), queries.columns());
    try (Session session = new SimdSession(threads, SimdSession.Kernels.VECTOR)) {
      session.attention(queries, cache, position, out.tensor());
    }
    out.check("attention");
    return out.tensor().toFloats();
  }

  private static void compare(Tensor queries, KeyValues cache, float[] found, String what) {
    int headDim = cache.headDim();
    int heads = queries.columns() / headDim;
    int group = heads / cache.kvHeads();
    float[] row = new float[headDim];
    for (int t = 0; t < queries.rows(); t++) {
      for (int h = 0; h < heads; h++) {
        double[] weights = new double[t + 1];
        double magnitude = 0;
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          cache.readKey(h / group, s, row);
          double size = 0;
          for (int c = 0; c < headDim; c++) {
            double term = queries.getFloat(t, h * headDim + c) * (double) row[c] / Math.sqrt(headDim);
            weights[s] += term;
            size += Math.abs(term);
          }
          magnitude = Math.max(magnitude, size);
          weights[s] = Math.exp(weights[s]);
          sum += weights[s];
        }
        double[] expected = new double[headDim];
        double[] size = new double[headDim];
        for (int s = 0; s <= t; s++) {
          cache.readValue(h / group, s, row);
          for (int c = 0; c < headDim; c++) {
            expected[c] += weights[s] / sum * row[c];
            size[c] += weights[s] / sum * Math.abs(row[c]);
          }
        }
        for (int c = 0; c < headDim; c++) {
          // A score's error of (headDim + 4) roundings of its terms is a relative one of its weight, in it and in the sum.
          double tolerance = (2 * (headDim + 4) * magnitude + 2 * t + 20) * 0x1p-24 * size[c];
          assertEquals(expected[c], found[(t * heads + h) * headDim + c], tolerance, what + ", row " + t + " head " + h);
        }
      }
    }
  }

  private KeyValueEncoding keyValues(int channels, int bits) {
    boolean[] keySalient = new boolean[channels];
    boolean[] valueSalient = new boolean[channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      keySalient[c] = random.nextInt(5) == 0;
      valueSalient[c] = random.nextInt(5) == 0;
      low[c] = -2 - random.nextFloat();
      high[c] = 2 + random.nextFloat();
    }
    return new KeyValueEncoding(neuron, neuron.dynamics(bits, 1), neuron.dynamics(bits, 2), true, keySalient, low, high,
        valueSalient);
  }

  private ChannelOrder order(int channels) {
    List<Integer> shuffled = new ArrayList<>(IntStream.range(0, channels).boxed().toList());
    Collections.shuffle(shuffled, random);
    return new ChannelOrder(shuffled.stream().mapToInt(i -> i).toArray(), new int[] {0, random.nextInt(channels + 1)});
  }

  private Tensor random(int rows, int columns, float magnitude) {
    Tensor x = Tensor.allocate(DType.F32, rows, columns);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        x.setFloat(r, c, (float) random.nextGaussian() * magnitude);
      }
    }
    return x;
  }

  private static Random seeded() {
    long seed = Long.getLong("spikellm.seed", 20260729L);
    System.out.println("seed " + seed);
    return new Random(seed);
  }
}
