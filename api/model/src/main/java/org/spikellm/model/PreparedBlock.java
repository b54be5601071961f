package org.spikellm.model;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** A decoder block prepared on a session: the forward pass, written once for float and spiking blocks. */
public final class PreparedBlock {

  private final Session session;
  private final SpikeMode mode;
  private final BlockShape shape;
  private final Map<Projection, PreparedLinear> linears = new EnumMap<>(Projection.class);
  private final Tensor attentionNorm;
  private final Tensor mlpNorm;
  private final KeyValueEncoding keyValues;
  private final Encoding queries;
  private boolean replaced;

  public PreparedBlock(Session session, Block block, SpikeMode mode) {
    this.session = session;
    this.mode = mode;
    this.shape = block.shape();
    block.linears().forEach((projection, linear) -> linears.put(projection, new PreparedLinear(session, linear, mode)));
    this.attentionNorm = block.attentionNorm();
    this.mlpNorm = block.mlpNorm();
    this.keyValues = mode.apply(block.keyValues());
    this.queries = keyValues == null ? null : new Encoding(keyValues.neuron(), ChannelOrder.identity(shape.headDim()),
        List.of(keyValues.plain()), keyValues.collapsed());
  }

  /** The block's sizes. */
  public BlockShape shape() {
    return shape;
  }

  /** What another way to run it needs to know. */
  DecoderPlan.Layer plan() {
    Map<Projection, DecoderPlan.Linear> plans = new EnumMap<>(Projection.class);
    linears.forEach((projection, linear) -> plans.put(projection, linear.plan()));
    return new DecoderPlan.Layer(plans, attentionNorm, mlpNorm, keyValues);
  }

  /** Whether tensors of the weights it was made from are read from, and not copies of them. */
  boolean keepsWeights() {
    return linears.values().stream().anyMatch(PreparedLinear::keepsWeight);
  }

  /** Runs with another linear layer from now on. */
  public void replace(Projection projection, Block.Linear linear) {
    linears.put(projection, new PreparedLinear(session, linear, mode));
    replaced = true;
  }

  /** Whether it has another layer than at first. */
  boolean isReplaced() {
    return replaced;
  }

  /** Where it runs. */
  Session session() {
    return session;
  }

  /** An empty cache for this block's keys and values. */
  KeyValues cache(int capacity) {
    return KeyValues.allocate(shape.kvHeads(), shape.headDim(), capacity, keyValues);
  }

  /**
   * Runs the block on consecutive tokens.
   *
   * @param x the residual stream, F32 [tokens, hidden], replaced by the block's output, or by something unfinished where the observer
   *     stops the pass
   * @param cache keys and values of the positions before; those of {@code x} are appended
   * @param position position of the first token
   * @param rope table for all positions up to the last
   * @param observer sees the inputs of the projections, or null
   * @param inputs is told of them as the projections get them
   */
  void forward(Tensor x, KeyValues cache, int position, Tensor rope, Workspace work, BlockObserver observer, LinearObserver inputs) {
    int tokens = x.rows();
    Tensor norm = work.norm.rows(0, tokens);
    Tensor q = work.queries.rows(0, tokens);             // [tokens, heads * headDim]
    Tensor k = work.keys.rows(0, tokens);                // [tokens, kvHeads * headDim]
    Tensor v = work.values.rows(0, tokens);
    Tensor attention = work.attention.rows(0, tokens);   // [tokens, heads * headDim]
    Tensor hidden = work.hidden.rows(0, tokens);
    Tensor gate = work.gate.rows(0, tokens);             // [tokens, intermediate]
    Tensor up = work.up.rows(0, tokens);

    session.rmsNorm(x, attentionNorm, shape.epsilon(), norm);
    if (ends(observer, Projection.Source.ATTENTION_NORM, norm)) {
      return;
    }
    apply(List.of(Projection.Q, Projection.K, Projection.V), norm, List.of(q, k, v), work, inputs);
    session.rope(q, shape.headDim(), rope, position);
    session.rope(k, shape.headDim(), rope, position);
    if (queries != null) {
      encodeQueries(q, work);
    }
    cache.append(k, v, position);
    session.attention(q, cache, position, attention);
    if (observer != null) {
      observer.attention(q, k, attention);
    }
    if (ends(observer, Projection.Source.ATTENTION, attention)) {
      return;
    }
    apply(List.of(Projection.O), attention, List.of(hidden), work, inputs);
    add(x, hidden);

    session.rmsNorm(x, mlpNorm, shape.epsilon(), norm);
    if (ends(observer, Projection.Source.MLP_NORM, norm)) {
      return;
    }
    apply(List.of(Projection.GATE, Projection.UP), norm, List.of(gate, up), work, inputs);
    session.swiGlu(gate, up, gate);
    if (ends(observer, Projection.Source.SWIGLU, gate)) {
      return;
    }
    apply(List.of(Projection.DOWN), gate, List.of(hidden), work, inputs);
    add(x, hidden);
  }

  /** Applies layers that share an input: at once where it stays in float for all of them. */
  private void apply(List<Projection> projections, Tensor x, List<Tensor> outs, Workspace work, LinearObserver inputs) {
    List<SpikingLinear> layers = new ArrayList<>();
    for (Projection projection : projections) {
      PreparedLinear linear = linears.get(projection);
      if (linear.addsFloats()) {
        layers.add(linear.quantized());
      }
    }
    if (layers.size() < projections.size()) {
      for (int i = 0; i < projections.size(); i++) {
        linears.get(projections.get(i)).apply(x, outs.get(i), work, projections.get(i), inputs);
      }
      return;
    }
    for (int i = 0; i < projections.size(); i++) {
      linears.get(projections.get(i)).begin(x, outs.get(i), projections.get(i), inputs);
    }
    session.accumulate(layers, x, outs);
  }

  /** Replaces queries by what their spikes decode to: a range for each token and head, plain channels only. */
  private void encodeQueries(Tensor q, Workspace work) {
    int headDim = shape.headDim();
    Tensor heads = new Tensor(q.dtype(), q.rows() * shape.heads(), headDim, q.segment());
    SpikeTrain train = work.train(queries, heads.rows());
    session.encode(heads, queries, train);
    train.decode(heads);
  }

  /** Shows an input, and says whether that was the last that is wanted. */
  private static boolean ends(BlockObserver observer, Projection.Source source, Tensor x) {
    if (observer == null) {
      return false;
    }
    observer.input(source, x);
    return observer.stopsAt(source);
  }

  private static void add(Tensor x, Tensor y) {
    long bytes = x.segment().byteSize();
    for (long at = 0; at < bytes; at += Float.BYTES) {
      x.segment().set(Tensor.FLOAT, at, x.segment().get(Tensor.FLOAT, at) + y.segment().get(Tensor.FLOAT, at));
    }
  }
}
