package org.spikellm.launcher.workflow;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.spikellm.api.BlockShape;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.RopeScaling;

/**
 * The sizes of a well-known model, to be measured with random weights.
 *
 * @param name what {@code --shape} calls it
 * @param block sizes of every block
 * @param blocks blocks of the whole model
 * @param vocabulary number of tokens
 * @param context most positions
 */
public record ShapeModel(String name, BlockShape block, int blocks, int vocabulary, int context) {

  private static final float EPSILON = 1e-5f;
  private static final double ROPE_THETA = 10_000;

  private static final List<ShapeModel> KNOWN = List.of(
      new ShapeModel("tinyllama-1.1b", new BlockShape(2048, 32, 4, 64, 5632, EPSILON), 22, 32_000, 2048),
      new ShapeModel("llama-2-7b", new BlockShape(4096, 32, 32, 128, 11_008, EPSILON), 32, 32_000, 4096),
      new ShapeModel("llama-2-70b", new BlockShape(8192, 64, 8, 128, 28_672, EPSILON), 80, 32_000, 4096));

  /** The names of the known shapes. */
  public static List<String> names() {
    return KNOWN.stream().map(ShapeModel::name).toList();
  }

  /** The known shape of that name. */
  public static Optional<ShapeModel> named(String name) {
    return KNOWN.stream().filter(shape -> shape.name.equals(name)).findFirst();
  }

  /** The configuration of a model of {@code blocks} blocks of this shape. */
  ModelConfig config(int blocks) {
    return new ModelConfig(block, blocks, vocabulary, context, RopeScaling.plain(ROPE_THETA), false, false, false, Map.of());
  }
}
