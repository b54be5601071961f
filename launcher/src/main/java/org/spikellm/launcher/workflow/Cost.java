package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.Projection;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.KvCache;
import org.spikellm.model.LinearObserver;
import org.spikellm.model.ModelConfig;

/** Counts what the linear layers of a model do while it runs. */
public final class Cost {

  private final List<Map<Projection, LayerWork>> works = new ArrayList<>();
  private final List<Map<Projection, LayerCost>> counts = new ArrayList<>();

  /** Nothing yet, for a model of this checkpoint, all of whose weights it reads. */
  public Cost(Checkpoint checkpoint) throws CheckpointException {
    for (int i = 0; i < checkpoint.config().blocks(); i++) {
      Block block = checkpoint.block(i);
      Map<Projection, LayerWork> work = new EnumMap<>(Projection.class);
      Map<Projection, LayerCost> count = new EnumMap<>(Projection.class);
      for (Projection projection : Projection.values()) {
        work.put(projection, LayerWork.of(block.linear(projection)));
        count.put(projection, new LayerCost());
      }
      works.add(work);
      counts.add(count);
    }
  }

  /**
   * Runs a model over the windows of a text, each from an empty cache.
   *
   * @param sequence most tokens a window; capped at the model's limit and at the text's length
   * @param limit most windows
   */
  public static Measured measure(LoadedModel model, Path file, int sequence, int limit, Progress progress) throws IOException {
    int[] ids = model.tokenizer().encode(TextFile.read(file), model.tokenizer().addsBos());
    int window = Math.min(Math.min(sequence, model.decoder().config().contextLength()), ids.length);
    int windows = Math.min(limit, ids.length / window);
    Cost cost = new Cost(model.checkpoint());
    model.decoder().observe(cost::block);
    progress.begin("Counting", (long) windows * window, "tokens");
    KvCache cache = model.decoder().newCache(window);
    for (int w = 0; w < windows; w++) {
      cache.truncate(0);
      model.decoder().forward(Arrays.copyOfRange(ids, w * window, (w + 1) * window), cache, (first, hidden) -> { });
      progress.at((w + 1L) * window);
    }
    progress.end();
    model.decoder().observe(block -> LinearObserver.NONE);
    ModelConfig config = model.decoder().config();
    long pairs = (long) windows * window * (window + 1) / 2;
    return new Measured(cost, windows, window, 2L * config.blocks() * config.block().heads() * config.block().headDim() * pairs,
        (long) config.vocabulary() * config.block().hidden());
  }

  /**
   * What was counted, and what beside the linear layers is not spikes.
   *
   * @param cost of the linear layers
   * @param windows of the text
   * @param sequence tokens a window
   * @param attentionMacs multiply-adds of attention: queries with keys, and weights with values, which are decoded first
   * @param headMacs multiply-adds of the head for one token's logits
   */
  public record Measured(Cost cost, int windows, int sequence, long attentionMacs, long headMacs) {

    /** Tokens in all. */
    public long tokens() {
      return (long) windows * sequence;
    }
  }

  /** Counts for block {@code index}. */
  public LinearObserver block(int index) {
    return (projection, tokens, train, encoding) -> counts.get(index).get(projection)
        .add(works.get(index).get(projection), tokens, train, encoding);
  }

  /** What each layer of each block did. */
  public List<Map<Projection, LayerCost>> layers() {
    return counts;
  }

  /** What all of them did. */
  public LayerCost total() {
    LayerCost total = new LayerCost();
    counts.forEach(block -> block.values().forEach(total::plus));
    return total;
  }
}
