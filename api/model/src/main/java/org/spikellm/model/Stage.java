package org.spikellm.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Consecutive blocks of a model on one session, which may run them as one; the last stage has the final norm and the head. */
final class Stage {

  private final BlockShape shape;
  private final Session session;
  /** Of its first block, among those of the model. */
  private final int first;
  private final List<PreparedBlock> blocks = new ArrayList<>();
  private final Tensor finalNorm;
  private final PreparedLinear head;
  /** The blocks as one, where the session has that; null as long as nobody has asked. */
  private Optional<DecoderSession> whole;

  private Stage(BlockShape shape, Session session, int first, Tensor finalNorm, PreparedLinear head) {
    this.shape = shape;
    this.session = session;
    this.first = first;
    this.finalNorm = finalNorm;
    this.head = head;
  }

  /**
   * Keys and values of its blocks: on the device that runs them as one, or a block each.
   *
   * @param device null where {@code blocks} are on the host
   * @param blocks empty where {@code device} has them
   */
  record Cache(DecoderSession.Cache device, List<KeyValues> blocks) {}

  /** The stages of a model whose head runs on {@code last}. */
  static List<Stage> of(BlockShape shape, List<PreparedBlock> blocks, Session last, Tensor finalNorm, PreparedLinear head) {
    int end = blocks.size(); // of the blocks before the last stage
    while (end > 0 && blocks.get(end - 1).session() == last) {
      end--;
    }
    List<Stage> stages = new ArrayList<>();
    for (int b = 0; b < end; b++) {
      Session session = blocks.get(b).session();
      if (stages.isEmpty() || stages.getLast().session != session) {
        stages.add(new Stage(shape, session, b, null, null));
      }
      stages.getLast().blocks.add(blocks.get(b));
    }
    stages.add(new Stage(shape, last, end, finalNorm, head));
    stages.getLast().blocks.addAll(blocks.subList(end, blocks.size()));
    return stages;
  }

  /** An empty cache. */
  Cache cache(int capacity, boolean isObserved) {
    if (!isObserved && blocks.stream().noneMatch(PreparedBlock::isReplaced)) {
      if (whole == null) {
        List<DecoderPlan.Layer> layers = blocks.stream().map(PreparedBlock::plan).toList();
        whole = session.decoder(new DecoderPlan(shape, layers, finalNorm, head == null ? null : head.plan()));
      }
      if (whole.isPresent()) {
        return new Cache(whole.get().cache(capacity), List.of());
      }
    }
    return new Cache(null, blocks.stream().map(block -> block.cache(capacity)).toList());
  }

  /** Runs consecutive tokens, F32 [tokens, hidden], through its blocks, and the final norm if it is the last stage. */
  void forward(Tensor x, Cache cache, int position, Tensor rope, Workspace work, List<LinearObserver> observers) {
    if (cache.device != null) {
      whole().forward(x, cache.device, position, rope);
      return;
    }
    for (int b = 0; b < blocks.size(); b++) {
      blocks.get(b).forward(x, cache.blocks.get(b), position, rope, work, null, observers.get(first + b));
    }
    if (finalNorm != null) {
      session.rmsNorm(x, finalNorm, shape.epsilon(), x);
    }
  }

  /** The same for the last stage, up to the logits after the last token, F32 [1, vocabulary]. */
  void next(Tensor x, Cache cache, int position, Tensor rope, Workspace work, List<LinearObserver> observers, Tensor logits) {
    if (cache.device != null) {
      whole().next(x, cache.device, position, rope, logits);
      return;
    }
    forward(x, cache, position, rope, work, observers);
    head.apply(x.rows(x.rows() - 1, x.rows()), logits, work, null, LinearObserver.NONE);
  }

  /** The logits of final hidden states, where the device that has the last blocks makes them; else false. */
  boolean logits(Tensor hidden, Tensor logits) {
    return whole != null && whole.isPresent() && whole.get().logits(hidden, logits);
  }

  private DecoderSession whole() {
    if (blocks.stream().anyMatch(PreparedBlock::isReplaced)) {
      throw new IllegalStateException("decoder: expected a cache that was made after its blocks were changed");
    }
    return whole.orElseThrow();
  }
}
