package org.spikellm.model.training;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;

/** A block in training, written out plainly in double: what {@link TrainableBlock} computes, with rounding as its gradient sees it. */
final class DoubleBlock {

  private final BlockTask task;
  private final Block block;
  private final BlockShape shape;
  private final Surrogate surrogate = new Surrogate();

  DoubleBlock(BlockTask task) {
    this.task = task;
    block = task.block();
    shape = block.shape();
  }

  /** The output, [tokens][hidden], for parameters by name; those that are missing leave LET or LWC out. */
  double[][] forward(double[][] x, Map<String, double[]> parameters) {
    surrogate.rewind();
    Map<Projection, double[][]> weights = new HashMap<>();
    for (Projection projection : Projection.values()) {
      weights.put(projection, weight(projection, parameters));
    }
    double[][] norm = norm(x, block.attentionNorm(), parameters.get("s_qkv"));
    double[][] q = rope(linear(Projection.Q, norm, weights, parameters));
    double[][] k = rope(linear(Projection.K, norm, weights, parameters));
    double[][] v = linear(Projection.V, norm, weights, parameters);
    if (task.keyValues() != null) {
      q = queries(q);
      k = keys(k, parameters.get("s_qk"));
      v = values(v);
    }
    double[][] middle = add(x, linear(Projection.O, attend(q, k, v), weights, parameters));
    double[][] second = norm(middle, block.mlpNorm(), parameters.get("s_fc1"));
    double[][] gate = linear(Projection.GATE, second, weights, parameters);
    double[][] up = linear(Projection.UP, second, weights, parameters);
    return add(middle, linear(Projection.DOWN, gated(gate, up), weights, parameters));
  }

  private int kvHead(int head) {
    return head / (shape.heads() / shape.kvHeads());
  }

  private double rowFactor(Projection projection, int row, Map<String, double[]> p) {
    int dim = shape.headDim();
    int half = dim / 2;
    if (!p.containsKey("s_qk")) {
      return 1;
    }
    return switch (projection) {
      case Q -> 1 / p.get("s_qk")[kvHead(row / dim) * half + row % half];
      case K -> p.get("s_qk")[row / dim * half + row % half];
      case V -> 1 / p.get("s_out")[row];
      default -> 1;
    };
  }

  private double columnFactor(Projection projection, int column, Map<String, double[]> p) {
    int dim = shape.headDim();
    if (!p.containsKey("s_qkv")) {
      return 1;
    }
    return switch (projection) {
      case Q, K, V -> p.get("s_qkv")[column];
      case O -> p.get("s_out")[kvHead(column / dim) * dim + column % dim];
      case GATE, UP -> p.get("s_fc1")[column];
      case DOWN -> 1;
    };
  }

  private double[][] weight(Projection projection, Map<String, double[]> p) {
    Tensor source = ((DenseWeight) block.linear(projection).weight()).values();
    ChannelOrder order = order(projection);
    double[][] w = new double[source.rows()][source.columns()];
    int[] ends = AffineQuantizer.groupEnds(order, task.spec().groupSize());
    Dynamics levels = new Dynamics(1, 1, 0, (1 << Math.min(8, task.spec().weightBits())) - 1, 1);
    for (int r = 0; r < w.length; r++) {
      for (int c = 0; c < w[r].length; c++) {
        w[r][c] = source.getFloat(r, c) * columnFactor(projection, c, p) * rowFactor(projection, r, p);
      }
      for (int g = 0, from = 0; g < ends.length && task.spec().quantizesWeights(); from = ends[g++]) {
        int[] group = Arrays.copyOfRange(order.order(), from, ends[g]);
        double[] row = w[r];
        double low = Arrays.stream(group).mapToDouble(c -> row[c]).min().orElseThrow();
        double high = Arrays.stream(group).mapToDouble(c -> row[c]).max().orElseThrow();
        double[] gamma = p.get(projection.tensorName() + ".gamma");
        double[] beta = p.get(projection.tensorName() + ".beta");
        double lowClip = beta == null ? 1 : 1 / (1 + Math.exp(-beta[r * ends.length + g]));
        double highClip = gamma == null ? 1 : 1 / (1 + Math.exp(-gamma[r * ends.length + g]));
        for (int c : group) {
          row[c] = surrogate.fire(row[c], low * lowClip, high * highClip, levels, null);
        }
      }
    }
    return w;
  }

  private ChannelOrder order(Projection projection) {
    return task.encodings().containsKey(projection) ? task.encodings().get(projection).order()
        : ChannelOrder.identity(shape.columns(projection));
  }

  private double[][] linear(Projection projection, double[][] x, Map<Projection, double[][]> weights, Map<String, double[]> p) {
    double[][] w = weights.get(projection);
    Tensor bias = block.linear(projection).bias();
    double[][] y = new double[x.length][w.length];
    for (int t = 0; t < x.length; t++) {
      double[] row = x[t];
      var encoding = task.encodings().get(projection);
      if (encoding != null) {
        row = surrogate.row(row, encoding.order(), encoding.dynamics(), encoding.collapsed() ? null : encoding.neuron());
      }
      for (int r = 0; r < w.length; r++) {
        y[t][r] = (bias == null ? 0 : bias.getFloat(0, r) * rowFactor(projection, r, p)) + Differences.dot(row, w[r]);
      }
    }
    return y;
  }

  private double[][] norm(double[][] x, Tensor weight, double[] s) {
    double[][] y = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      double r = 1 / Math.sqrt(Differences.dot(x[t], x[t]) / x[t].length + shape.epsilon());
      for (int c = 0; c < y[t].length; c++) {
        y[t][c] = x[t][c] * r * weight.getFloat(0, c) / (s == null ? 1 : s[c]);
      }
    }
    return y;
  }

  private double[][] rope(double[][] x) {
    int half = shape.headDim() / 2;
    Tensor table = task.calibration().rope();
    for (int t = 0; t < x.length; t++) {
      for (int start = 0; start < x[t].length; start += 2 * half) {
        for (int i = 0; i < half; i++) {
          double a = x[t][start + i];
          double b = x[t][start + half + i];
          x[t][start + i] = a * table.getFloat(t, i) - b * table.getFloat(t, half + i);
          x[t][start + half + i] = b * table.getFloat(t, i) + a * table.getFloat(t, half + i);
        }
      }
    }
    return x;
  }

  private NeuronModel stepped() {
    return task.keyValues().collapsed() ? null : task.keyValues().neuron();
  }

  private double[][] queries(double[][] q) {
    return heads(q, shape.heads(), (head, x) -> surrogate.row(x, ChannelOrder.identity(x.length), List.of(task.keyValues().plain()),
        stepped()));
  }

  private double[][] values(double[][] v) {
    KeyValueEncoding kv = task.keyValues();
    return heads(v, shape.kvHeads(), (head, x) -> surrogate.row(x,
        ChannelOrder.of(Arrays.copyOfRange(kv.valueSalient(), head * x.length, (head + 1) * x.length)),
        List.of(kv.plain(), kv.salient()), stepped()));
  }

  private interface Head {
    double[] apply(int head, double[] x);
  }

  private double[][] heads(double[][] x, int heads, Head encode) {
    int dim = shape.headDim();
    double[][] out = new double[x.length][x[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int h = 0; h < heads; h++) {
        System.arraycopy(encode.apply(h, Arrays.copyOfRange(x[t], h * dim, (h + 1) * dim)), 0, out[t], h * dim, dim);
      }
    }
    return out;
  }

  private double[][] keys(double[][] k, double[] s) {
    KeyValueEncoding kv = task.keyValues();
    int dim = shape.headDim();
    double[][] out = new double[k.length][k[0].length];
    for (int t = 0; t < k.length; t++) {
      for (int c = 0; c < k[t].length; c++) {
        double factor = s == null ? 1 : s[c / dim * (dim / 2) + c % (dim / 2)];
        double a = kv.keyLow()[c] * factor;
        double b = kv.keyHigh()[c] * factor;
        out[t][c] = surrogate.fire(k[t][c], Math.min(a, b), Math.max(a, b), kv.dynamics(kv.keySalient()[c]), stepped());
      }
    }
    return out;
  }

  private double[][] attend(double[][] q, double[][] k, double[][] v) {
    int dim = shape.headDim();
    double[][] out = new double[q.length][q[0].length];
    for (int h = 0; h < shape.heads(); h++) {
      int kv = kvHead(h) * dim;
      for (int t = 0; t < q.length; t++) {
        double sum = 0;
        for (int u = 0; u <= t; u++) {
          double score = 0;
          for (int c = 0; c < dim; c++) {
            score += q[t][h * dim + c] * k[u][kv + c];
          }
          double e = Math.exp(score / Math.sqrt(dim));
          sum += e;
          for (int c = 0; c < dim; c++) {
            out[t][h * dim + c] += e * v[u][kv + c];
          }
        }
        for (int c = 0; c < dim; c++) {
          out[t][h * dim + c] /= sum;
        }
      }
    }
    return out;
  }

  private static double[][] gated(double[][] gate, double[][] up) {
    double[][] out = new double[gate.length][gate[0].length];
    for (int t = 0; t < out.length; t++) {
      for (int c = 0; c < out[t].length; c++) {
        out[t][c] = gate[t][c] / (1 + Math.exp(-gate[t][c])) * up[t][c];
      }
    }
    return out;
  }

  private static double[][] add(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][a[0].length];
    for (int t = 0; t < sum.length; t++) {
      for (int c = 0; c < sum[t].length; c++) {
        sum[t][c] = a[t][c] + b[t][c];
      }
    }
    return sum;
  }
}
