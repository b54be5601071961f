package org.spikellm.tck;

import java.util.List;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.Tensor;

/** A decoder that calls its session's kernels; its steps are methods, for faults to be put in. */
class NaiveDecoder implements DecoderSession {

  final DecoderPlan plan;
  final PlainDecoder plain;
  private boolean closed;

  NaiveDecoder(Session session, DecoderPlan plan) {
    this(plan, new PlainDecoder(session, plan));
  }

  NaiveDecoder(DecoderPlan plan, PlainDecoder plain) {
    this.plan = plan;
    this.plain = plain;
  }

  record HostCache(NaiveDecoder decoder, int capacity, List<KeyValues> blocks) implements Cache {}

  @Override
  public Cache cache(int capacity) {
    return new HostCache(this, capacity, plain.cache(capacity));
  }

  @Override
  public void forward(Tensor x, Cache cache, int position, Tensor rope) {
    check(x, cache, position, rope);
    run(x, cache, position, rope);
  }

  @Override
  public void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
    check(x, cache, position, rope);
    Shapes.f32("logits", logits, 1, plan.head().rows());
    run(x, cache, position, rope);
    logits.segment().copyFrom(plain.logits(x.rows(x.rows() - 1, x.rows())).segment());
  }

  @Override
  public boolean logits(Tensor hidden, Tensor logits) {
    logits.segment().copyFrom(plain.logits(hidden).segment());
    return true;
  }

  void run(Tensor x, Cache cache, int position, Tensor rope) {
    plain.forward(x, ((HostCache) cache).blocks(), position, rope);
  }

  void check(Tensor x, Cache cache, int position, Tensor rope) {
    if (closed) {
      throw new IllegalStateException("closed");
    }
    Shapes.f32("embeddings", x, x.rows(), plan.shape().hidden());
    if (!(cache instanceof HostCache own) || own.decoder() != this) {
      throw new IllegalArgumentException("expected a cache of this decoder, found one of another");
    }
    Shapes.tokens(x, position, Math.min(cache.capacity(), rope.rows()));
  }

  @Override
  public void close() {
    closed = true;
  }
}
