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

/** Counts what a model does while it runs: its linear layers operation by operation, and how many tokens pass. */
public final class Cost {

  private final List<Map<Projection, LayerWork>> works = new ArrayList<>();
  private final List<Map<Projection, LayerCost>> counts = new ArrayList<>();
  private final List<Map<Projection, ChannelSpikes>> channels = new ArrayList<>();
  private long tokens;

  /** Nothing yet, for a model of this checkpoint, all of whose weights it reads. */
  public Cost(Checkpoint checkpoint) throws CheckpointException {
    for (int i = 0; i < checkpoint.config().blocks(); i++) {
      Block block = checkpoint.block(i);
      Map<Projection, LayerWork> work = new EnumMap<>(Projection.class);
      Map<Projection, LayerCost> count = new EnumMap<>(Projection.class);
      Map<Projection, ChannelSpikes> spikes = new EnumMap<>(Projection.class);
      for (Projection projection : Projection.values()) {
        work.put(projection, LayerWork.of(block.linear(projection)));
        count.put(projection, new LayerCost());
        spikes.put(projection, new ChannelSpikes());
      }
      works.add(work);
      counts.add(count);
      channels.add(spikes);
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
    if (ids.length == 0) {
      throw new CheckpointException(file + ": expected a text, found no tokens in it");
    }
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
    Checkpoint checkpoint = model.checkpoint();
    Block first = checkpoint.block(0);
    return new Measured(cost, windows, window, OtherWork.of(checkpoint.config(), windows, window, first.keyValues() != null,
        checkpoint.config().blocks() * TokenWork.positionBytes(first), TokenWork.bytes(checkpoint.head())));
  }

  /**
   * What was counted, and what beside the linear layers is not spikes.
   *
   * @param cost of the linear layers
   * @param windows of the text
   * @param sequence tokens a window
   * @param others what is not spikes, with logits for every token
   */
  public record Measured(Cost cost, int windows, int sequence, List<OtherWork> others) {

    /** Tokens in all. */
    public long tokens() {
      return (long) windows * sequence;
    }

    /** One of the others. */
    public OtherWork other(String name) {
      return others.stream().filter(work -> work.name().equals(name)).findFirst().orElseThrow();
    }
  }

  /** Counts for block {@code index}. */
  public LinearObserver block(int index) {
    return (projection, rows, train, encoding) -> {
      long[] fired = counts.get(index).get(projection).add(works.get(index).get(projection), rows, train, encoding);
      if (fired != null) {
        channels.get(index).get(projection).add(encoding, rows, fired);
      }
      tokens += index == 0 && projection == Projection.Q ? rows : 0;
    };
  }

  /** Tokens that passed. */
  public long tokens() {
    return tokens;
  }

  /** What each layer of each block did. */
  public List<Map<Projection, LayerCost>> layers() {
    return counts;
  }

  /** Firing rate of each input channel of a layer, in the channels' own order; nothing where they stay in float. */
  public double[] channelRates(int block, Projection projection) {
    return channels.get(block).get(projection).rates();
  }

  /** How many channels of a layer fire at which rate. */
  public RateHistogram histogram(int block, Projection projection) {
    return RateHistogram.of(channelRates(block, projection));
  }

  /** The same of all layers. */
  public RateHistogram histogram() {
    RateHistogram all = RateHistogram.EMPTY;
    for (Map<Projection, ChannelSpikes> block : channels) {
      for (ChannelSpikes layer : block.values()) {
        all = all.plus(RateHistogram.of(layer.rates()));
      }
    }
    return all;
  }

  /** What all of them did. */
  public LayerCost total() {
    LayerCost total = new LayerCost();
    counts.forEach(block -> block.values().forEach(total::plus));
    return total;
  }
}
