package org.spikellm.tck;

import java.util.EnumMap;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.DType;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/**
 * A decoder block in double, weights as floats and nothing encoded: what its linear layers read, and what it answers.
 *
 * @param inputs input of each kind of linear layer, [tokens][channels]
 * @param output of the block, [tokens][hidden]
 */
record BlockOracle(Map<Projection.Source, double[][]> inputs, double[][] output) {

  static BlockOracle run(Block block, double[][] x) {
    BlockShape shape = block.shape();
    Map<Projection.Source, double[][]> inputs = new EnumMap<>(Projection.Source.class);
    double[][] normed = norm(x, block.attentionNorm(), shape.epsilon());
    inputs.put(Projection.Source.ATTENTION_NORM, normed);
    double[][] attended = attend(shape, rope(linear(block, Projection.Q, normed), shape.headDim()),
        rope(linear(block, Projection.K, normed), shape.headDim()), linear(block, Projection.V, normed));
    inputs.put(Projection.Source.ATTENTION, attended);
    double[][] middle = add(x, linear(block, Projection.O, attended));
    double[][] second = norm(middle, block.mlpNorm(), shape.epsilon());
    inputs.put(Projection.Source.MLP_NORM, second);
    double[][] gate = linear(block, Projection.GATE, second);
    double[][] gated = linear(block, Projection.UP, second);
    for (int t = 0; t < gated.length; t++) {
      for (int c = 0; c < gated[t].length; c++) {
        gated[t][c] *= gate[t][c] / (1 + Math.exp(-gate[t][c]));
      }
    }
    inputs.put(Projection.Source.SWIGLU, gated);
    return new BlockOracle(inputs, add(middle, linear(block, Projection.DOWN, gated)));
  }

  static Tensor tensor(double[][] values) {
    Tensor tensor = Tensor.allocate(DType.F32, values.length, values[0].length);
    for (int t = 0; t < values.length; t++) {
      for (int c = 0; c < values[t].length; c++) {
        tensor.setFloat(t, c, (float) values[t][c]);
      }
    }
    return tensor;
  }

  static Tensor weights(LinearWeight weight) {
    return switch (weight) {
      case DenseWeight dense -> dense.values();
      case QuantizedWeight quantized -> quantized.dequantize();
      case PartlyBinaryWeight binary -> binary.dequantize();
    };
  }

  private static double[][] linear(Block block, Projection projection, double[][] x) {
    Tensor weight = weights(block.linear(projection).weight());
    Tensor bias = block.linear(projection).bias();
    double[][] y = new double[x.length][weight.rows()];
    for (int t = 0; t < x.length; t++) {
      for (int r = 0; r < weight.rows(); r++) {
        double sum = bias == null ? 0 : bias.getFloat(0, r);
        for (int c = 0; c < weight.columns(); c++) {
          sum += x[t][c] * weight.getFloat(r, c);
        }
        y[t][r] = sum;
      }
    }
    return y;
  }

  private static double[][] norm(double[][] x, Tensor weight, float epsilon) {
    double[][] y = new double[x.length][weight.columns()];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      for (int c = 0; c < y[t].length; c++) {
        y[t][c] = x[t][c] / Math.sqrt(squares / y[t].length + epsilon) * weight.getFloat(0, c);
      }
    }
    return y;
  }

  private static double[][] rope(double[][] x, int headDim) {
    int half = headDim / 2;
    for (int t = 0; t < x.length; t++) {
      for (int start = 0; start < x[t].length; start += headDim) {
        for (int i = 0; i < half; i++) {
          double angle = t * Math.pow(10_000, -i / (double) half);
          double a = x[t][start + i];
          double b = x[t][start + half + i];
          x[t][start + i] = a * Math.cos(angle) - b * Math.sin(angle);
          x[t][start + half + i] = b * Math.cos(angle) + a * Math.sin(angle);
        }
      }
    }
    return x;
  }

  private static double[][] attend(BlockShape shape, double[][] q, double[][] k, double[][] v) {
    int dim = shape.headDim();
    double[][] out = new double[q.length][shape.heads() * dim];
    for (int h = 0; h < shape.heads(); h++) {
      int at = h * dim;
      int kv = h / (shape.heads() / shape.kvHeads()) * dim;
      for (int t = 0; t < q.length; t++) {
        double sum = 0;
        for (int s = 0; s <= t; s++) {
          double score = 0;
          for (int c = 0; c < dim; c++) {
            score += q[t][at + c] * k[s][kv + c];
          }
          double weight = Math.exp(score / Math.sqrt(dim));
          sum += weight;
          for (int c = 0; c < dim; c++) {
            out[t][at + c] += weight * v[s][kv + c];
          }
        }
        for (int c = 0; c < dim; c++) {
          out[t][at + c] /= sum;
        }
      }
    }
    return out;
  }

  private static double[][] add(double[][] a, double[][] b) {
    double[][] sum = new double[a.length][a[0].length];
    for (int t = 0; t < a.length; t++) {
      for (int c = 0; c < a[t].length; c++) {
        sum[t][c] = a[t][c] + b[t][c];
      }
    }
    return sum;
  }
}
