package org.spikellm.launcher.registry;

import java.util.stream.Stream;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Tensor;

/**
 * A model on a plug-in's device. Numbers that are not finite name the plug-in where those of the model and its inputs were.
 *
 * @param decoder the plug-in's
 * @param plan of the model
 * @param guard who watches it
 */
record GuardedDecoder(DecoderSession decoder, DecoderPlan plan, Guard guard) implements DecoderSession {

  @Override
  public Cache cache(int capacity) {
    Cache cache = guard.call("cache", () -> decoder.cache(capacity));
    guard.require(cache.capacity() == capacity, "cache made one of " + cache.capacity() + " positions, expected " + capacity);
    return cache;
  }

  @Override
  public void forward(Tensor x, Cache cache, int position, Tensor rope) {
    boolean finite = Guard.finite(x);
    guard.run("forward", () -> decoder.forward(x, cache, position, rope));
    judge("forward", finite, x);
  }

  @Override
  public void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
    boolean finite = Guard.finite(x);
    guard.run("next", () -> decoder.next(x, cache, position, rope, logits));
    judge("next", finite, logits);
  }

  @Override
  public boolean logits(Tensor hidden, Tensor logits) {
    boolean finite = Guard.finite(hidden);
    boolean made = guard.call("logits", () -> decoder.logits(hidden, logits));
    if (made) {
      judge("logits", finite, logits);
    }
    return made;
  }

  private void judge(String method, boolean inputs, Tensor out) {
    if (inputs && !Guard.finite(out) && finiteModel()) {
      throw guard.failure(method + " of a decoder made numbers that are not finite, from inputs that are", null);
    }
  }

  private boolean finiteModel() {
    Stream<Tensor> norms = plan.blocks().stream().flatMap(block -> Stream.of(block.attentionNorm(), block.mlpNorm()));
    Stream<DecoderPlan.Linear> linears = plan.blocks().stream().flatMap(block -> block.linears().values().stream());
    return Stream.concat(norms, Stream.ofNullable(plan.finalNorm())).allMatch(Guard::finite)
        && Stream.concat(linears, Stream.ofNullable(plan.head())).allMatch(GuardedSession::finite);
  }

  @Override
  public void close() {
    guard.run("close", decoder::close);
  }
}
