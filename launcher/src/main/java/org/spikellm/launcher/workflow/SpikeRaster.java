package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Projection;
import org.spikellm.api.SpikeTrain;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.LinearObserver;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.SpikeMode;

/**
 * The spikes that the tokens of a prompt fire into one layer, step by step through the neurons.
 *
 * @param prompt the text
 * @param tokens its tokens' texts
 * @param layer block and name, as {@code 3.mlp.down_proj}
 * @param classOf class of each input channel: 0 is plain
 * @param stepsOf time steps of each class
 * @param levels fired level [token][step][channel], channels in their own order; 0 after the last step of a channel's class
 */
public record SpikeRaster(String prompt, List<String> tokens, String layer, byte[] classOf, int[] stepsOf, short[][][] levels) {

  /**
   * Which layer to look at.
   *
   * @param block its index
   * @param projection which of the block's layers
   */
  public record Place(int block, Projection projection) {

    /**
     * Reads {@code BLOCK.LAYER}, as {@code cost --layers} prints it.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static Place parse(String text) {
      for (Projection projection : Projection.values()) {
        String end = "." + projection.tensorName();
        if (text.endsWith(end) && text.substring(0, text.length() - end.length()).matches("\\d{1,6}")) {
          return new Place(Integer.parseInt(text.substring(0, text.length() - end.length())), projection);
        }
      }
      throw new IllegalArgumentException("expected a layer such as 0.mlp.down_proj, found '" + text + "'");
    }

    /** Refuses a model that has no such block. */
    public void requireIn(Path model) throws IOException {
      Path config = model.resolve("config.json");
      if (Files.exists(config) && block >= ModelConfig.read(config).blocks()) {
        throw new CheckpointException(model + ": expected a layer of blocks 0 to " + (ModelConfig.read(config).blocks() - 1)
            + ", found " + this);
      }
    }

    @Override
    public String toString() {
      return block + "." + projection.tensorName();
    }
  }

  /**
   * Runs a prompt of at most {@code most} tokens; what is longer is cut.
   *
   * @return null where the layer's input stays in float
   */
  public static SpikeRaster of(Path directory, Registry registry, String backend, int threads, String prompt, int most,
      Place place)
      throws IOException {
    place.requireIn(directory);
    try (LoadedModel model = LoadedModel.open(directory, registry, backend, threads, SpikeMode.STEP_BY_STEP)) {
      int[] all = model.tokenizer().encode(prompt, model.tokenizer().addsBos());
      int[] ids = Arrays.copyOf(all, Math.min(all.length, Math.min(most, model.decoder().config().contextLength())));
      if (ids.length == 0) {
        throw new CheckpointException(directory + ": the prompt has no tokens, expected at least one whose spikes are shown");
      }
      SpikeRaster[] seen = new SpikeRaster[1];
      List<String> tokens = new ArrayList<>();
      for (int id : ids) {
        tokens.add(model.tokenizer().decode(new int[] {id}));
      }
      model.decoder().observe(block -> block != place.block() ? LinearObserver.NONE : (projection, rows, train, encoding) -> {
        if (projection == place.projection() && train != null && seen[0] == null) {
          int[] steps = encoding.dynamics().stream().mapToInt(dynamics -> dynamics.timeSteps()).toArray();
          seen[0] = new SpikeRaster(prompt, tokens, place.toString(), classes(train.order()), steps, levels(train));
        }
      });
      model.decoder().forward(ids, model.decoder().newCache(ids.length), (first, hidden) -> { });
      return seen[0];
    }
  }

  private static byte[] classes(ChannelOrder order) {
    byte[] classes = new byte[order.channels()];
    for (int c = 0; c < order.classes(); c++) {
      for (int at = order.start(c); at < order.end(c); at++) {
        classes[order.order()[at]] = (byte) c;
      }
    }
    return classes;
  }

  private static short[][][] levels(SpikeTrain train) {
    short[][][] levels = new short[train.tokens()][train.planes().size()][train.order().channels()];
    for (int token = 0; token < levels.length; token++) {
      for (int step = 0; step < levels[token].length; step++) {
        for (int at = 0; at < train.order().channels(); at++) {
          levels[token][step][train.order().order()[at]] = (short) (train.planes().get(step).getInt(token, at) + train.offset());
        }
      }
    }
    return levels;
  }
}
