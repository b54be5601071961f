package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;

/**
 * About how many bytes measuring a shape takes.
 *
 * @param fixed whatever the number of blocks: embeddings, head, activations, one block on its way into the backends
 * @param perBlock weights and cache
 */
record MemoryPlan(long fixed, long perBlock) {

  /** What the JVM itself takes, with its heap. */
  private static final long JVM_BYTES = 512L << 20;
  /** A backend's own form of quantized weights may be this much larger than the codes. */
  private static final double REPACKED = 1.1;
  /** Tokens of a prompt that run through a block at once, at most. */
  private static final int CHUNK = 512;

  /**
   * The plan for formats that are held at the same time on each of {@code backends} backends. F16 weights are shared by the backends,
   * quantized ones are repacked for each.
   *
   * @param positions capacity of the key/value caches
   */
  static MemoryPlan of(ShapeModel model, List<BenchFormat> formats, int backends, int threads, int positions) {
    BlockShape shape = model.block();
    long ends = 2L * model.vocabulary() * shape.hidden() * DType.F16.bytes();
    long activations = (long) Math.min(CHUNK, positions) * (4L * shape.intermediate() + 6L * shape.hidden()) * Float.BYTES;
    long fixed = JVM_BYTES + MachineLimits.memory(threads) + ends + formats.size() * (long) backends * activations;
    long perBlock = 0;
    for (BenchFormat format : formats) {
      boolean quantized = format.spec().quantizesWeights();
      long weights = format.blockBytes(shape);
      int cacheBytes = format.spec().encodesActivations() ? 1 : Float.BYTES;
      fixed += quantized ? weights : 0;
      perBlock += quantized ? (long) (backends * REPACKED * weights) : weights;
      perBlock += backends * 2L * shape.kvHeads() * shape.headDim() * positions * cacheBytes;
    }
    return new MemoryPlan(fixed, perBlock);
  }

  long total(int blocks) {
    return fixed + blocks * perBlock;
  }

  /**
   * Refuses what does not fit.
   *
   * @param what the formats and backends, for the message
   */
  void check(ShapeModel model, int blocks, String what, OptionalLong available) throws IOException {
    if (available.isEmpty() || total(blocks) <= available.getAsLong()) {
      return;
    }
    long fitting = Math.max(0, (available.getAsLong() - fixed) / perBlock);
    throw new IOException(String.format(Locale.ROOT, "--shape %s: %d blocks of %s need %.1f GB of memory, %.1f GB are available; %s",
        model.name(), blocks, what, total(blocks) / 1e9, available.getAsLong() / 1e9,
        fitting == 0 ? "not even one block would fit" : "--shape " + model.name() + ":" + fitting + " would fit"));
  }
}
