package org.spikellm.api;

import java.util.Arrays;

/**
 * The kernels that a {@link Session} has without writing them: plain, sequential, summed in double. They define what the faster
 * ones compute.
 */
final class PlainKernels {

  private PlainKernels() {}

  static void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    Shapes.f32("norm input", x, x.rows(), weight.columns());
    Shapes.f32("norm weight", weight, 1, x.columns());
    Shapes.f32("norm output", out, x.rows(), x.columns());
    float[] row = new float[x.columns()];
    float[] scale = new float[x.columns()];
    weight.readRow(0, scale);
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      double sum = 0;
      for (float value : row) {
        sum += (double) value * value;
      }
      float inverse = (float) (1 / Math.sqrt(sum / row.length + epsilon));
      for (int c = 0; c < row.length; c++) {
        row[c] = row[c] * inverse * scale[c];
      }
      out.writeRow(t, row);
    }
  }

  static void rope(Tensor x, int headDim, Tensor table, int position) {
    Shapes.rope(x, headDim, table, position);
    int half = headDim / 2;
    float[] row = new float[x.columns()];
    float[] angles = new float[headDim];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      table.readRow(position + t, angles);
      for (int start = 0; start < row.length; start += headDim) {
        for (int i = 0; i < half; i++) {
          float cos = angles[i];
          float sin = angles[half + i];
          float a = row[start + i];
          float b = row[start + half + i];
          row[start + i] = a * cos - b * sin;
          row[start + half + i] = b * cos + a * sin;
        }
      }
      x.writeRow(t, row);
    }
  }

  static void softmax(Tensor x) {
    Shapes.f32("softmax", x, x.rows(), x.columns());
    float[] row = new float[x.columns()];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      softmax(row, row.length);
      x.writeRow(t, row);
    }
  }

  private static void softmax(float[] row, int length) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, row[i]);
    }
    double sum = 0;
    for (int i = 0; i < length; i++) {
      row[i] = (float) Math.exp(row[i] - max);
      sum += row[i];
    }
    float inverse = (float) (1 / sum);
    for (int i = 0; i < length; i++) {
      row[i] *= inverse;
    }
  }

  static void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Shapes.f32("gate", gate, gate.rows(), gate.columns());
    Shapes.f32("up", up, gate.rows(), gate.columns());
    Shapes.f32("gated output", out, gate.rows(), gate.columns());
    float[] g = new float[gate.columns()];
    float[] u = new float[gate.columns()];
    for (int t = 0; t < gate.rows(); t++) {
      gate.readRow(t, g);
      up.readRow(t, u);
      for (int c = 0; c < g.length; c++) {
        g[c] = (float) (g[c] / (1 + Math.exp(-g[c])) * u[c]);
      }
      out.writeRow(t, g);
    }
  }

  static void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    ChannelOrder order = encoding.order();
    Shapes.encode(x, encoding, out);
    int offset = encoding.offset();
    float[] row = new float[x.columns()];
    float[] current = new float[x.columns()];
    int[] counts = new int[x.columns()];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      float low = lowest(row, 0, row.length);
      float high = highest(row, 0, row.length);
      for (int c = 0; c < order.classes(); c++) {
        int start = order.start(c);
        int length = order.end(c) - start;
        Dynamics dynamics = encoding.dynamics().get(c);
        SpikeRange range = SpikeRange.of(low, high, dynamics);
        out.thresholds().setFloat(t, c, range.theta());
        out.zeros().setInt(t, c, range.zero() - offset);
        currents(row, order.order(), start, length, range, current);
        if (encoding.collapsed()) {
          clip(current, length, dynamics.countLow(), dynamics.countHigh(), offset, counts);
          out.planes().getFirst().writeInts(t, start, counts, length);
        } else {
          float[] input = Arrays.copyOf(current, length);
          short[] spikes = new short[length];
          float[] potential = new float[length];
          for (int step = 0; step < out.planes().size(); step++) {
            if (step < dynamics.timeSteps()) {
              encoding.neuron().step(input, potential, dynamics, spikes);
              Arrays.fill(input, 0);
            } else {
              Arrays.fill(spikes, (short) 0);
            }
            for (int i = 0; i < length; i++) {
              counts[i] = spikes[i];
            }
            out.planes().get(step).writeInts(t, start, counts, length);
          }
        }
      }
    }
  }

  private static float lowest(float[] row, int from, int to) {
    float low = Float.POSITIVE_INFINITY;
    for (int i = from; i < to; i++) {
      low = Math.min(low, row[i]);
    }
    return low;
  }

  private static float highest(float[] row, int from, int to) {
    float high = Float.NEGATIVE_INFINITY;
    for (int i = from; i < to; i++) {
      high = Math.max(high, row[i]);
    }
    return high;
  }

  /** Currents of the channels of a class, in its order. */
  private static void currents(float[] row, int[] order, int start, int length, SpikeRange range, float[] current) {
    for (int i = 0; i < length; i++) {
      current[i] = range.current(row[order[start + i]]);
    }
  }

  /** The counts of currents, less {@code offset}. */
  private static void clip(float[] current, int length, float low, float high, int offset, int[] counts) {
    for (int i = 0; i < length; i++) {
      counts[i] = (int) Math.min(Math.max(current[i], low), high) - offset;
    }
  }

  /** The counts of a layer of neurons whose input all arrives in the first step. */
  private static void counts(float[] input, NeuronModel neuron, Dynamics dynamics, int[] counts) {
    Arrays.fill(counts, 0);
    float[] potential = new float[input.length];
    short[] spikes = new short[input.length];
    for (int step = 0; step < dynamics.timeSteps(); step++) {
      neuron.step(input, potential, dynamics, spikes);
      Arrays.fill(input, 0);
      for (int i = 0; i < input.length; i++) {
        counts[i] += spikes[i];
      }
    }
  }

  static void encodeKeys(Tensor k, int position, KeyValues cache) {
    KeyValueEncoding encoding = cache.encoding();
    int channels = encoding.channels();
    SpikeRange[] ranges = new SpikeRange[channels];
    for (int c = 0; c < channels; c++) {
      ranges[c] = encoding.keyRange(c);
    }
    float[] row = new float[channels];
    for (int t = 0; t < k.rows(); t++) {
      k.readRow(t, row);
      currents(row, ranges);
      storeCounts(row, encoding, encoding.keySalient(), cache, cache.keys(), position + t);
    }
  }

  private static void currents(float[] row, SpikeRange[] ranges) {
    for (int c = 0; c < ranges.length; c++) {
      row[c] = ranges[c].current(row[c]);
    }
  }

  static void encodeValues(Tensor v, int position, KeyValues cache) {
    KeyValueEncoding encoding = cache.encoding();
    int headDim = cache.headDim();
    float[] row = new float[encoding.channels()];
    for (int t = 0; t < v.rows(); t++) {
      v.readRow(t, row);
      for (int h = 0; h < cache.kvHeads(); h++) {
        int first = h * headDim;
        float low = lowest(row, first, first + headDim);
        float high = highest(row, first, first + headDim);
        SpikeRange plain = SpikeRange.of(low, high, encoding.plain());
        SpikeRange salient = SpikeRange.of(low, high, encoding.salient());
        currents(row, first, first + headDim, encoding.valueSalient(), plain, salient);
        int at = cache.row(h, position + t);
        cache.valueThresholds().setFloat(at, 0, plain.theta());
        cache.valueThresholds().setFloat(at, 1, salient.theta());
        cache.valueZeros().setInt(at, 0, plain.zero() - encoding.offset());
        cache.valueZeros().setInt(at, 1, salient.zero() - encoding.offset());
      }
      storeCounts(row, encoding, encoding.valueSalient(), cache, cache.values(), position + t);
    }
  }

  private static void currents(float[] row, int from, int to, boolean[] isSalient, SpikeRange plain, SpikeRange salient) {
    for (int c = from; c < to; c++) {
      row[c] = isSalient[c] ? salient.current(row[c]) : plain.current(row[c]);
    }
  }

  /** Fires on the currents of all (kv head, channel)s of one position, by class, and stores the counts. */
  private static void storeCounts(float[] current, KeyValueEncoding encoding, boolean[] salient, KeyValues cache, Tensor target,
      int position) {
    int offset = encoding.offset();
    int headDim = cache.headDim();
    int[] counts = new int[current.length];
    if (encoding.collapsed()) {
      clip(current, salient, encoding, counts);
    } else {
      int[] ofClass = new int[current.length];
      for (boolean isSalient : new boolean[] {false, true}) {
        counts(current.clone(), encoding.neuron(), encoding.dynamics(isSalient), ofClass);
        for (int c = 0; c < counts.length; c++) {
          counts[c] = salient[c] == isSalient ? ofClass[c] : counts[c];
        }
      }
    }
    for (int c = 0; c < counts.length; c++) {
      counts[c] -= offset;
    }
    CountRow row = cache.counts();
    for (int h = 0; h < cache.kvHeads(); h++) {
      row.write(target, cache.row(h, position), counts, h * headDim);
    }
  }

  /** The counts of currents of both classes. */
  private static void clip(float[] current, boolean[] salient, KeyValueEncoding encoding, int[] counts) {
    float low = encoding.plain().countLow();
    float high = encoding.plain().countHigh();
    float salientLow = encoding.salient().countLow();
    float salientHigh = encoding.salient().countHigh();
    for (int c = 0; c < counts.length; c++) {
      counts[c] = (int) (salient[c] ? Math.min(Math.max(current[c], salientLow), salientHigh) : Math.min(Math.max(current[c], low), high));
    }
  }

  static void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    Shapes.attention(queries, cache, position, out);
    int headDim = cache.headDim();
    int heads = queries.columns() / headDim;
    int group = heads / cache.kvHeads();
    int length = position + queries.rows();
    float scale = (float) (1 / Math.sqrt(headDim));
    float[][] keys = new float[length][headDim];
    float[][] values = new float[length][headDim];
    float[] query = new float[queries.columns()];
    float[] scores = new float[length];
    double[] sum = new double[headDim];
    for (int kv = 0; kv < cache.kvHeads(); kv++) {
      for (int s = 0; s < length; s++) {
        cache.readKey(kv, s, keys[s]);
        cache.readValue(kv, s, values[s]);
      }
      for (int t = 0; t < queries.rows(); t++) {
        queries.readRow(t, query);
        int visible = position + t + 1;
        for (int h = kv * group; h < (kv + 1) * group; h++) {
          for (int s = 0; s < visible; s++) {
            double dot = 0;
            for (int c = 0; c < headDim; c++) {
              dot += (double) query[h * headDim + c] * keys[s][c];
            }
            scores[s] = (float) (dot * scale);
          }
          softmax(scores, visible);
          Arrays.fill(sum, 0);
          for (int s = 0; s < visible; s++) {
            for (int c = 0; c < headDim; c++) {
              sum[c] += (double) scores[s] * values[s][c];
            }
          }
          for (int c = 0; c < headDim; c++) {
            out.setFloat(t, h * headDim + c, (float) sum[c]);
          }
        }
      }
    }
  }
}
