package org.spikellm.model;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A whole model on a session: embed, blocks, norm, head. */
public final class Decoder {

  /** Tokens of a prompt that run through a block at once. */
  public static final int CHUNK = 512;

  private final ModelConfig config;
  private final Session session;
  private final Tensor embeddings;
  private final List<PreparedBlock> blocks;
  private final Tensor finalNorm;
  private final PreparedLinear head;
  private Workspace workspace;
  private List<LinearObserver> observers;
  /** The blocks as one, where the session has that; null as long as nobody has asked. */
  private Optional<DecoderSession> whole;

  /**
   * A model from its parts; blocks may be prepared from anywhere.
   *
   * @param embeddings [vocabulary, hidden]
   * @param finalNorm F32 [1, hidden]
   * @param head [vocabulary, hidden]
   */
  public Decoder(ModelConfig config, Session session, Tensor embeddings, List<PreparedBlock> blocks, Tensor finalNorm,
      LinearWeight head) {
    this.config = config;
    this.session = session;
    this.embeddings = embeddings;
    this.blocks = List.copyOf(blocks);
    this.finalNorm = finalNorm;
    this.head = new PreparedLinear(session, new Block.Linear(head, null, null), SpikeMode.COLLAPSED);
    observe(block -> LinearObserver.NONE);
  }

  /** Prepares all blocks of a checkpoint, which must stay open; a block whose weights were all copied is unmapped. */
  public static Decoder load(Checkpoint checkpoint, Session session, SpikeMode mode) throws IOException {
    List<PreparedBlock> blocks = new ArrayList<>();
    try (BlockReader reader = new BlockReader(checkpoint)) {
      for (MappedBlock mapped; (mapped = reader.next()) != null; ) {
        boolean keep = true;
        try {
          PreparedBlock block = new PreparedBlock(session, mapped.block(), mode);
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
    return new Decoder(checkpoint.config(), session, checkpoint.embeddings(), blocks, checkpoint.finalNorm(), checkpoint.head());
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
    if (!isObserved()) {
      if (whole == null) {
        List<DecoderPlan.Layer> layers = blocks.stream().map(PreparedBlock::plan).toList();
        whole = session.decoder(new DecoderPlan(config.block(), layers, finalNorm, head.plan()));
      }
      if (whole.isPresent()) {
        return new KvCache(whole.get().cache(capacity), rope);
      }
    }
    return new KvCache(blocks.stream().map(block -> block.cache(capacity)).toList(), rope);
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
      if (cache.device() != null) {
        whole(cache).forward(x, cache.device(), cache.length(), cache.rope());
      } else {
        forward(x, cache);
      }
      cache.advance(x.rows());
      result.chunk(from, x);
    }
  }

  /** Runs a chunk block by block: its embeddings become its final hidden states. */
  private void forward(Tensor x, KvCache cache) {
    Workspace work = workspace(x.rows());
    for (int b = 0; b < blocks.size(); b++) {
      blocks.get(b).forward(x, cache.block(b), cache.length(), cache.rope(), work, null, observers.get(b));
    }
    session.rmsNorm(x, finalNorm, config.block().epsilon(), x);
  }

  private DecoderSession whole(KvCache cache) {
    if (isObserved()) {
      throw new IllegalStateException("decoder: expected a cache that was made while it was observed");
    }
    return whole.orElseThrow();
  }

  /** The logits after the last of {@code tokens}, F32 [1, vocabulary]. */
  public Tensor nextLogits(int[] tokens, KvCache cache) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("decoder: expected at least one token, found none");
    }
    Tensor[] last = new Tensor[1];
    if (cache.device() != null) {
      int before = (tokens.length - 1) / CHUNK * CHUNK;
      forward(Arrays.copyOf(tokens, before), cache, (first, hidden) -> { });
      requireRoom(tokens.length - before, cache);
      Tensor x = embed(Arrays.copyOfRange(tokens, before, tokens.length));
      last[0] = Tensor.allocate(DType.F32, 1, config.vocabulary());
      whole(cache).next(x, cache.device(), cache.length(), cache.rope(), last[0]);
      cache.advance(x.rows());
      return last[0];
    }
    forward(tokens, cache, (first, hidden) -> {
      if (first + hidden.rows() == tokens.length) {
        last[0] = logits(hidden.rows(hidden.rows() - 1, hidden.rows()));
      }
    });
    return last[0];
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
    head.apply(hidden, logits, workspace(hidden.rows()), null, LinearObserver.NONE);
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
