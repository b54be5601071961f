package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Projection;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.ModelConfig;

/**
 * A part of the model and the bytes of its tensors.
 *
 * @param name what it is
 * @param weights its weights, or 0 where it is no matrix
 * @param inBlocks whether it is a linear layer of the blocks
 * @param source bytes in the source
 * @param packed bytes in the result
 */
record SizePart(String name, long weights, boolean inBlocks, long source, long packed) {

  private static final String EMBEDDINGS = "embeddings";
  private static final String HEAD = "head";
  private static final String NORMS = "norms";
  private static final String CACHE = "key and value ranges";
  private static final String OTHER = "other";

  /** All parts that have bytes. */
  static List<SizePart> of(Checkpoint source, Checkpoint packed) {
    Map<String, Long> before = bytes(source);
    Map<String, Long> after = bytes(packed);
    ModelConfig config = source.config();
    List<SizePart> parts = new ArrayList<>();
    for (Projection projection : Projection.values()) {
      String name = projection.tensorName();
      long weights = (long) config.blocks() * config.block().rows(projection) * config.block().columns(projection);
      parts.add(new SizePart(name, weights, true, before.getOrDefault(name, 0L), after.getOrDefault(name, 0L)));
    }
    long table = (long) config.vocabulary() * config.block().hidden();
    for (String name : List.of(NORMS, CACHE, EMBEDDINGS, HEAD, OTHER)) {
      long weights = name.equals(EMBEDDINGS) || name.equals(HEAD) ? table : 0;
      parts.add(new SizePart(name, weights, false, before.getOrDefault(name, 0L), after.getOrDefault(name, 0L)));
    }
    parts.removeIf(part -> part.source == 0 && part.packed == 0);
    return parts;
  }

  private static Map<String, Long> bytes(Checkpoint checkpoint) {
    Map<String, Long> bytes = new LinkedHashMap<>();
    checkpoint.files().forEach((name, file) -> bytes.merge(part(name), file.bytes(name).byteSize(), Long::sum));
    return bytes;
  }

  private static String part(String tensor) {
    if (!tensor.startsWith("model.layers.")) {
      return tensor.contains("embed_tokens") ? EMBEDDINGS : tensor.startsWith("lm_head") ? HEAD
          : tensor.startsWith("model.norm") ? NORMS : OTHER;
    }
    for (Projection projection : Projection.values()) {
      if (tensor.contains("." + projection.tensorName() + ".")) {
        return projection.tensorName();
      }
    }
    return tensor.contains("layernorm") ? NORMS
        : tensor.matches(".*\\.self_attn\\.(dynamics|key_low|key_high|key_salient|value_salient)") ? CACHE : OTHER;
  }

  /** Bits of the packed tensors a weight, with scales, zero points and channel order. */
  double packedBits() {
    return weights == 0 ? Double.NaN : 8.0 * packed / weights;
  }

  double sourceBits() {
    return weights == 0 ? Double.NaN : 8.0 * source / weights;
  }
}
