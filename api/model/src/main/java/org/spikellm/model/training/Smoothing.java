package org.spikellm.model.training;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.Tensor;

/**
 * The learnable equivalent transformation, LET (method.md §4): four vectors that divide the outputs of one layer and multiply the inputs of
 * the next, so that the float block stays the function it was, whatever their values.
 *
 * <pre>
 *   s_qkv [hidden]             input norm / s              columns of q, k, v · s
 *   s_fc1 [hidden]             post-attention norm / s     columns of gate, up · s
 *   s_out [kvHeads · headDim]  rows of v / s               columns of o · s, for every query head that shares the kv head
 *   s_qk [kvHeads · headDim/2] rows of q / s               rows of k · s, for both members of a RoPE pair
 * </pre>
 */
final class Smoothing {

  private static final float SMALLEST = 1e-2f;
  private static final float START_FLOOR = 1e-5f;

  /**
   * A place where a vector is applied.
   *
   * @param parameter the vector
   * @param index which of its entries each channel takes
   * @param inverse whether channels are divided by it
   */
  record Use(Parameter parameter, int[] index, boolean inverse) {

    /** The entry that each channel takes. */
    float[] vector() {
      float[] vector = new float[index.length];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = parameter.values()[index[i]];
      }
      return vector;
    }

    /** Applies it: {@code x[i] · s[i]}, or {@code x[i] / s[i]}. */
    float[] apply(float[] x) {
      float[] s = vector();
      for (int i = 0; i < x.length; i++) {
        s[i] = inverse ? x[i] / s[i] : x[i] * s[i];
      }
      return s;
    }

    /** Passes ∂L/∂ of the factors, which are s or 1/s, on to the vector. */
    void add(float[] gradient) {
      for (int i = 0; i < gradient.length; i++) {
        float s = parameter.values()[index[i]];
        parameter.gradient()[index[i]] += inverse ? -gradient[i] / (s * s) : gradient[i];
      }
    }
  }

  private final BlockShape shape;
  private final Parameter qkv;
  private final Parameter out;
  private final Parameter fc1;
  private final Parameter qk;

  /**
   * The vectors where training starts: {@code clamp(a^α / w^(1−α), 1e-5)} with a the largest inputs and w the largest weights of a channel;
   * s_out is the geometric mean over the query heads that share an entry, s_qk is 1.
   *
   * @param absMax largest |x| of the inputs of each kind in the float stream
   */
  Smoothing(Block block, Map<Projection.Source, float[]> absMax, double alpha, double rate) {
    shape = block.shape();
    qkv = new Parameter(start(block, Projection.Q, absMax, alpha), rate);
    fc1 = new Parameter(start(block, Projection.UP, absMax, alpha), rate);
    out = new Parameter(sharedMean(start(block, Projection.O, absMax, alpha)), rate);
    float[] ones = new float[shape.kvHeads() * shape.headDim() / 2];
    Arrays.fill(ones, 1);
    qk = new Parameter(ones, rate);
  }

  private static float[] start(Block block, Projection projection, Map<Projection.Source, float[]> absMax, double alpha) {
    Tensor weight = ((DenseWeight) block.linear(projection).weight()).values();
    float[] largest = new float[weight.columns()];
    float[] row = new float[weight.columns()];
    for (int r = 0; r < weight.rows(); r++) {
      weight.readRow(r, row);
      for (int c = 0; c < row.length; c++) {
        largest[c] = Math.max(largest[c], Math.abs(row[c]));
      }
    }
    float[] inputs = absMax.get(projection.source());
    float[] s = new float[row.length];
    for (int c = 0; c < s.length; c++) {
      float a = (float) Math.pow(Math.max(inputs[c], START_FLOOR), alpha);
      float w = (float) Math.pow(Math.max(largest[c], START_FLOOR), 1 - alpha);
      s[c] = Math.max(a / w, START_FLOOR);
    }
    return s;
  }

  private float[] sharedMean(float[] perQueryHead) {
    int[] index = perQueryHeadChannel();
    double[] logs = new double[shape.kvHeads() * shape.headDim()];
    for (int c = 0; c < perQueryHead.length; c++) {
      logs[index[c]] += Math.log(perQueryHead[c]);
    }
    float[] mean = new float[logs.length];
    for (int c = 0; c < mean.length; c++) {
      mean[c] = (float) Math.exp(logs[c] * shape.kvHeads() / shape.heads());
    }
    return mean;
  }

  /** The vectors by name. */
  Map<String, Parameter> parameters() {
    Map<String, Parameter> named = new LinkedHashMap<>();
    named.put("s_qkv", qkv);
    named.put("s_out", out);
    named.put("s_fc1", fc1);
    named.put("s_qk", qk);
    return named;
  }

  /** Keeps every entry at least 1e-2 from 0, on its side. */
  void floor() {
    for (Parameter parameter : parameters().values()) {
      float[] s = parameter.values();
      for (int i = 0; i < s.length; i++) {
        s[i] = Math.abs(s[i]) < SMALLEST ? Math.copySign(SMALLEST, s[i]) : s[i];
      }
    }
  }

  /** What multiplies the columns of a projection, or null. */
  Use columns(Projection projection) {
    return switch (projection) {
      case Q, K, V -> new Use(qkv, identity(), false);
      case O -> new Use(out, perQueryHeadChannel(), false);
      case GATE, UP -> new Use(fc1, identity(), false);
      case DOWN -> null;
    };
  }

  /** What multiplies the rows of a projection, or null. */
  Use rows(Projection projection) {
    return switch (projection) {
      case Q -> new Use(qk, perQueryHeadPair(), true);
      case K -> keys();
      case V -> new Use(out, IntStream.range(0, out.values().length).toArray(), true);
      default -> null;
    };
  }

  /** What multiplies keys, and so their ranges. */
  Use keys() {
    int half = shape.headDim() / 2;
    return new Use(qk, IntStream.range(0, shape.kvHeads() * shape.headDim())
        .map(c -> c / shape.headDim() * half + c % half).toArray(), false);
  }

  Use attentionNorm() {
    return new Use(qkv, identity(), true);
  }

  Use mlpNorm() {
    return new Use(fc1, identity(), true);
  }

  private int[] identity() {
    return IntStream.range(0, shape.hidden()).toArray();
  }

  private int[] perQueryHeadChannel() {
    int dim = shape.headDim();
    return IntStream.range(0, shape.heads() * dim).map(c -> kvHead(c / dim) * dim + c % dim).toArray();
  }

  private int[] perQueryHeadPair() {
    int dim = shape.headDim();
    int half = dim / 2;
    return IntStream.range(0, shape.heads() * dim).map(c -> kvHead(c / dim) * half + c % half).toArray();
  }

  private int kvHead(int head) {
    return head / (shape.heads() / shape.kvHeads());
  }
}
