package org.spikellm.tck;

import java.util.List;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** A model run by a session's kernels, one after the other: what the session's decoder must give. */
class PlainDecoder {

  final Session session;
  final DecoderPlan plan;
  /** How far, in counts, what was encoded so far was from where it would have been rounded otherwise. */
  private double margin = 0.5;

  PlainDecoder(Session session, DecoderPlan plan) {
    this.session = session;
    this.plan = plan;
  }

  double margin() {
    return margin;
  }

  List<KeyValues> cache(int capacity) {
    BlockShape shape = plan.shape();
    return plan.blocks().stream()
        .map(block -> KeyValues.allocate(shape.kvHeads(), shape.headDim(), capacity, block.keyValues())).toList();
  }

  /** Embeddings, F32 [tokens, hidden], become final hidden states. */
  void forward(Tensor x, List<KeyValues> cache, int position, Tensor rope) {
    for (int b = 0; b < cache.size(); b++) {
      block(plan.blocks().get(b), x, cache.get(b), position, rope);
    }
    session.rmsNorm(x, plan.finalNorm(), plan.shape().epsilon(), x);
  }

  /** The logits of hidden states, F32 [tokens, vocabulary]. */
  Tensor logits(Tensor hidden) {
    return apply(plan.head(), hidden);
  }

  private void block(DecoderPlan.Layer block, Tensor x, KeyValues cache, int position, Tensor rope) {
    BlockShape shape = plan.shape();
    Tensor norm = norm(x, block.attentionNorm());
    Tensor q = apply(block.linears().get(Projection.Q), norm);
    Tensor k = apply(block.linears().get(Projection.K), norm);
    Tensor v = apply(block.linears().get(Projection.V), norm);
    session.rope(q, shape.headDim(), rope, position);
    session.rope(k, shape.headDim(), rope, position);
    if (block.keyValues() != null) {
      encodeQueries(q, block.keyValues());
      judge(k, v, block.keyValues());
    }
    cache.append(k, v, position);
    Tensor attention = Tensor.allocate(DType.F32, x.rows(), shape.heads() * shape.headDim());
    session.attention(q, cache, position, attention);
    add(x, apply(block.linears().get(Projection.O), attention));
    norm = norm(x, block.mlpNorm());
    Tensor gate = apply(block.linears().get(Projection.GATE), norm);
    session.swiGlu(gate, apply(block.linears().get(Projection.UP), norm), gate);
    add(x, apply(block.linears().get(Projection.DOWN), gate));
  }

  private Tensor norm(Tensor x, Tensor weight) {
    Tensor norm = Tensor.allocate(DType.F32, x.rows(), x.columns());
    session.rmsNorm(x, weight, plan.shape().epsilon(), norm);
    return norm;
  }

  Tensor apply(DecoderPlan.Linear linear, Tensor x) {
    Tensor out = Tensor.allocate(DType.F32, x.rows(), linear.rows());
    SpikeTrain train = linear.input() == null ? null : encode(x, linear.input());
    if (linear.quantized() == null) {
      Tensor input = Tensor.allocate(DType.F32, x.rows(), x.columns());
      if (train != null) {
        train.decode(input);
      }
      session.matmul(train == null ? x : input, linear.dense(), out);
      addBias(linear, out);
      return out;
    }
    addBias(linear, out);
    if (train != null) {
      linear.quantized().accumulate(train, out);
    } else {
      linear.quantized().accumulate(x, out);
    }
    return out;
  }

  void addBias(DecoderPlan.Linear linear, Tensor out) {
    for (int t = 0; linear.bias() != null && t < out.rows(); t++) {
      for (int c = 0; c < out.columns(); c++) {
        out.setFloat(t, c, out.getFloat(t, c) + linear.bias().getFloat(0, c));
      }
    }
  }

  private static void add(Tensor x, Tensor y) {
    for (int t = 0; t < x.rows(); t++) {
      for (int c = 0; c < x.columns(); c++) {
        x.setFloat(t, c, x.getFloat(t, c) + y.getFloat(t, c));
      }
    }
  }

  /** Replaces queries by what they decode to: a range for each token and head, plain channels only. */
  void encodeQueries(Tensor q, KeyValueEncoding encoding) {
    int headDim = plan.shape().headDim();
    Tensor heads = new Tensor(q.dtype(), q.rows() * plan.shape().heads(), headDim, q.segment());
    encode(heads, new Encoding(encoding.neuron(), ChannelOrder.identity(headDim), List.of(encoding.plain()), true)).decode(heads);
  }

  private SpikeTrain encode(Tensor x, Encoding encoding) {
    SpikeTrain train = SpikeTrain.allocate(encoding, x.rows());
    session.encode(x, encoding, train);
    for (Dynamics dynamics : encoding.dynamics()) {
      judge(x, dynamics);
    }
    return train;
  }

  /** As {@link #judge(Tensor, Dynamics)}, keys by the ranges of their channels. */
  private void judge(Tensor k, Tensor v, KeyValueEncoding encoding) {
    for (int t = 0; t < k.rows(); t++) {
      for (int c = 0; c < k.columns(); c++) {
        judge(k.getFloat(t, c) / encoding.keyRange(c).theta());
      }
    }
    Tensor heads = new Tensor(v.dtype(), v.rows() * plan.shape().kvHeads(), plan.shape().headDim(), v.segment());
    judge(heads, encoding.plain());
    judge(heads, encoding.salient());
  }

  /** Remembers how near to a half what is rounded comes. */
  private void judge(Tensor x, Dynamics dynamics) {
    float[] row = new float[x.columns()];
    for (int t = 0; t < x.rows(); t++) {
      x.readRow(t, row);
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (float value : row) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      float theta = SpikeRange.of(low, high, dynamics).theta();
      judge(low / theta);
      for (float value : row) {
        judge(value / theta);
      }
    }
  }

  private void judge(float quotient) {
    margin = Math.min(margin, Math.abs(quotient - Math.floor(quotient) - 0.5));
  }
}
