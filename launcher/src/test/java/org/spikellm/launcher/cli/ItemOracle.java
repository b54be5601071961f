package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.SpikeMode;

/** Scores a text the long way: the whole of it from an empty cache, all logits, the logarithm of the softmax in double. */
final class ItemOracle implements AutoCloseable {

  /**
   * What it finds of a continuation.
   *
   * @param greedy whether each of its tokens has the largest logit
   */
  record Found(double logLikelihood, boolean greedy, boolean truncated) {}

  private final LoadedModel model;
  private final int limit;

  ItemOracle(Path directory) throws IOException {
    model = LoadedModel.open(directory, new Registry(List.of(), Map.of()), "auto", 2, SpikeMode.COLLAPSED);
    limit = model.checkpoint().config().contextLength();
  }

  Found score(String context, String continuation) {
    List<Integer> before = ids(context);
    List<Integer> whole = ids(context + continuation);
    List<Integer> all = new ArrayList<>(before);
    all.addAll(whole.subList(before.size(), whole.size()));
    int scored = all.size() - before.size();
    boolean truncated = all.size() > limit + 1;
    List<Integer> seen = truncated ? all.subList(all.size() - limit - 1, all.size()) : all;
    int[] input = seen.subList(0, seen.size() - 1).stream().mapToInt(Integer::intValue).toArray();
    double[] sum = new double[1];
    boolean[] greedy = {true};
    model.decoder().forward(input, model.decoder().newCache(input.length), (first, hidden) -> {
      Tensor logits = model.decoder().logits(hidden);
      for (int r = Math.max(0, input.length - scored - first); r < logits.rows(); r++) {
        float[] row = new float[logits.columns()];
        logits.readRow(r, row);
        int token = seen.get(first + r + 1);
        double total = 0;
        for (float value : row) {
          total += Math.exp((double) value - row[token]);
          greedy[0] &= value <= row[token];
        }
        sum[0] -= Math.log(total);
      }
    });
    return new Found(sum[0], greedy[0], truncated);
  }

  private List<Integer> ids(String text) {
    return Arrays.stream(model.tokenizer().encode(text, true)).boxed().toList();
  }

  @Override
  public void close() {
    model.close();
  }
}
