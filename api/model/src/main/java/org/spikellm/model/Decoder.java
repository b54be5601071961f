package org.spikellm.model;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.DType;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A whole model on a session: embed, blocks, norm, head. */
public final class Decoder {

  /** Tokens of a prompt that run through a block at once. */
  public static final int CHUNK = 512;

  private final ModelConfig config;
  private final Tensor embeddings;
  private final List<PreparedBlock> blocks;
  private final PreparedLinear head;
  private final List<Stage> stages;
  private Workspace workspace;
  private List<LinearObserver> observers;

  /**
   * A model from its parts; blocks may be prepared from anywhere, the first ones on another session.
   *
   * @param session of the last blocks, if there are any, the norm and the head
   * @param embeddings [vocabulary, hidden]
   * @param finalNorm F32 [1, hidden]
   * @param head [vocabulary, hidden]
   */
  public Decoder(ModelConfig config, Session session, Tensor embeddings, List<PreparedBlock> blocks, Tensor finalNorm,
      LinearWeight head) {
    this.config = config;
    this.embeddings = embeddings;
    this.blocks = List.copyOf(blocks);
    this.head = new PreparedLinear(session, new Block.Linear(head, null, null), SpikeMode.COLLAPSED);
    stages = Stage.of(config.block(), this.blocks, session, finalNorm, this.head);
    observe(block -> LinearObserver.NONE);
  }

  /** As {@link #load(Checkpoint, Session, Supplier, SpikeMode)}, on a session that must take all blocks. */
  public static Decoder load(Checkpoint checkpoint, Session session, SpikeMode mode) throws IOException {
    return load(checkpoint, session, () -> {
      throw new IllegalArgumentException("expected a backend that takes all blocks of a model here");
    }, mode);
  }

  /**
   * Prepares all blocks of a checkpoint, which must stay open; a block whose weights were all copied is unmapped.
   *
   * @param session of as many blocks as it {@linkplain Session#takes takes}
   * @param rest is asked for the session of those that follow, and the head, if there are such
   */
  public static Decoder load(Checkpoint checkpoint, Session session, Supplier<Session> rest, SpikeMode mode) throws IOException {
    int count = checkpoint.config().blocks();
    int taken = session.takes(count, checkpoint.blockBytes() / Math.max(1, count), checkpoint.headBytes());
    Session last = taken < count ? rest.get() : session;
    List<PreparedBlock> blocks = new ArrayList<>();
    try (BlockReader reader = new BlockReader(checkpoint)) {
      for (MappedBlock mapped; (mapped = reader.next()) != null; ) {
        boolean keep = true;
        try {
          PreparedBlock block = new PreparedBlock(blocks.size() < taken ? session : last, mapped.block(), mode);
          keep = block.keepsWeights();
          blocks.add(block);
        } finally {
          if (keep) {
            checkpoint.keep(mapped);
          } else {
            mapped.close();
          }
        }
      }
    }
    return new Decoder(checkpoint.config(), last, checkpoint.embeddings(), blocks, checkpoint.finalNorm(), checkpoint.head());
  }

  /** What config.json says. */
  public ModelConfig config() {
    return config;
  }

  /**
   * From now on tells an observer for each block, by index, of what enters its linear layers. Caches made before are good for it
   * only if the decoder was observed then too.
   */
  public void observe(IntFunction<LinearObserver> observers) {
    this.observers = IntStream.range(0, blocks.size()).mapToObj(observers).toList();
  }

  private boolean isObserved() {
    return observers.stream().anyMatch(observer -> observer != LinearObserver.NONE);
  }

  /** An empty cache for up to {@code capacity} tokens. */
  public KvCache newCache(int capacity) {
    Tensor rope = config.rope().table(capacity, config.block().headDim());
    return new KvCache(stages.stream().map(stage -> stage.cache(capacity, isObserved())).toList(), rope);
  }

  /** Called with the final hidden states of a chunk of tokens. */
  @FunctionalInterface
  public interface HiddenStates {

    /**
     * A chunk is through all blocks.
     *
     * @param first index, among the tokens of the call, of the chunk's first
     * @param hidden after the final norm, F32 [tokens of the chunk, hidden]; only valid during the call
     */
    void chunk(int first, Tensor hidden);
  }

  /**
   * Runs tokens through all blocks as matrix products, in chunks, and appends them to the cache.
   *
   * @throws IllegalArgumentException if a token is outside the vocabulary or the cache has no room
   */
  public void forward(int[] tokens, KvCache cache, HiddenStates result) {
    requireRoom(tokens.length, cache);
    for (int from = 0; from < tokens.length; from += CHUNK) {
      int to = Math.min(tokens.length, from + CHUNK);
      Tensor x = embed(Arrays.copyOfRange(tokens, from, to));
      through(stages.size(), x, cache);
      cache.advance(x.rows());
      result.chunk(from, x);
    }
  }

  /** Runs a chunk through the first {@code count} stages; after all of them it is its final hidden states. */
  private void through(int count, Tensor x, KvCache cache) {
    if (cache.isOnDevice() && isObserved()) {
      throw new IllegalStateException("decoder: expected a cache that was made while it was observed");
    }
    for (int s = 0; s < count; s++) {
      stages.get(s).forward(x, cache.stage(s), cache.length(), cache.rope(), workspace(x.rows()), observers);
    }
  }

  /** The logits after the last of {@code tokens}, F32 [1, vocabulary]. */
  public Tensor nextLogits(int[] tokens, KvCache cache) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("decoder: expected at least one token, found none");
    }
    requireRoom(tokens.length, cache);
    int before = (tokens.length - 1) / CHUNK * CHUNK;
    forward(Arrays.copyOf(tokens, before), cache, (first, hidden) -> { });
    Tensor x = embed(Arrays.copyOfRange(tokens, before, tokens.length));
    Tensor logits = Tensor.allocate(DType.F32, 1, config.vocabulary());
    int last = stages.size() - 1;
    through(last, x, cache);
    stages.get(last).next(x, cache.stage(last), cache.length(), cache.rope(), workspace(x.rows()), observers, logits);
    cache.advance(x.rows());
    return logits;
  }

  private static void requireRoom(int tokens, KvCache cache) {
    if (tokens > cache.capacity() - cache.length()) {
      throw new IllegalArgumentException("decoder: expected at most " + (cache.capacity() - cache.length()) + " more tokens, found "
          + tokens);
    }
  }

  /** The logits of hidden states, F32 [tokens, vocabulary]. */
  public Tensor logits(Tensor hidden) {
    Tensor logits = Tensor.allocate(DType.F32, hidden.rows(), config.vocabulary());
    if (!stages.getLast().logits(hidden, logits)) {
      head.apply(hidden, logits, workspace(hidden.rows()), null, LinearObserver.NONE);
    }
    return logits;
  }

  private Workspace workspace(int tokens) {
    if (workspace == null || workspace.tokens() < tokens) {
      workspace = new Workspace(config.block(), tokens);
    }
    return workspace;
  }

  /** The embeddings of tokens, F32 [tokens, hidden]. */
  private Tensor embed(int[] tokens) {
    return Embedding.of(embeddings, tokens);
  }
}
