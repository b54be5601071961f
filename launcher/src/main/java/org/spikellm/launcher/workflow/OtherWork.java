package org.spikellm.launcher.workflow;

import java.util.List;
import org.spikellm.api.BlockShape;
import org.spikellm.api.Projection;
import org.spikellm.model.Decoder;
import org.spikellm.model.ModelConfig;

/**
 * Operations of a model that are no spikes, in float on every model.
 *
 * @param name what it is
 * @param macs multiplications, most of whose products are added up
 * @param additions additions alone, and comparisons
 * @param functions exponentials, roots, divisions and roundings, for which no table has a price
 * @param bytes read and written by it alone
 */
public record OtherWork(String name, long macs, long additions, long functions, long bytes) {

  /**
   * What running windows takes, all blocks together.
   *
   * @param encoded whether inputs, queries, keys and values become spikes
   * @param positionBytes bytes of a position in the caches of all blocks
   * @param headBytes bytes of the head's weights
   */
  static List<OtherWork> of(ModelConfig config, long windows, long sequence, boolean encoded, long positionBytes,
      long headBytes) {
    BlockShape shape = config.block();
    long tokens = windows * sequence;
    long each = config.blocks() * tokens;                                   // tokens through a block
    long pairs = windows * sequence * (sequence + 1) / 2;                   // a token with each it sees, itself among them
    long scores = config.blocks() * pairs * shape.heads();
    long norms = (2L * config.blocks() + 1) * tokens;
    long turned = each * (shape.heads() + shape.kvHeads()) * shape.headDim();
    return List.of(
        new OtherWork("embeddings", 0, 0, 0, tokens * shape.hidden() * Float.BYTES),
        new OtherWork("norms", norms * 3 * shape.hidden(), 0, norms * 2, 0),  // x·x, x·scale, ·weight; a division and a root
        new OtherWork("rope", 2 * turned, 0, 0, 0),
        new OtherWork("attention", 2 * scores * shape.headDim(), 0, 0, each * positionBytes / config.blocks()
            + pairs * positionBytes),                                       // written once, read for each token that sees it
        new OtherWork("softmax", scores, 2 * scores, scores, 0),            // the largest, exp, their sum, ·1/sum
        new OtherWork("swiglu", each * 2L * shape.intermediate(), each * shape.intermediate(), each * 2L * shape.intermediate(),
            0),
        new OtherWork("residuals", 0, each * 2L * shape.hidden(), 0, 0),
        encoding(shape, each, encoded),
        new OtherWork("head", tokens * config.vocabulary() * shape.hidden(), 0, 0,
            headBytes * windows * ((sequence + Decoder.CHUNK - 1) / Decoder.CHUNK)));
  }

  /** Finding the range of each value's group, and x/θ, rounded. */
  private static OtherWork encoding(BlockShape shape, long each, boolean encoded) {
    long values = (long) (shape.heads() + 2 * shape.kvHeads()) * shape.headDim();
    for (Projection projection : Projection.values()) {
      values += shape.columns(projection);
    }
    long work = encoded ? each * values : 0;
    return new OtherWork("encoding", 0, 2 * work, 2 * work, 0);
  }

  /** Joules of what the table has a price for: multiplications and additions, in float. */
  public double joules(EnergyTable table) {
    return table.joules(Operation.FP32_MAC, macs) + table.joules(Operation.FP32_ADD, additions);
  }
}
