package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Block;
import org.spikellm.api.Encoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/** Puts a checkpoint's model on a backend. */
final class CheckpointSubject {

  private CheckpointSubject() {}

  /**
   * The whole model; {@code checkpoint} must stay open.
   *
   * @param openSeconds what opening it took, which is part of loading it
   */
  static BenchSubject load(Checkpoint checkpoint, double openSeconds, OpenBackend backend, Progress progress) throws IOException {
    ModelConfig config = checkpoint.config();
    backend.requireAll(config.blocks(), checkpoint.blockBytes() / Math.max(1, config.blocks()), checkpoint.headBytes());
    progress.begin("loading on " + backend.id(), config.blocks(), "blocks");
    List<PreparedBlock> prepared = new ArrayList<>();
    String format = "";
    boolean integers = true;
    long blockBytes = 0;
    long positionBytes = 0;
    long began = System.nanoTime();
    for (int b = 0; b < config.blocks(); b++) {
      Block block = checkpoint.block(b);
      prepared.add(new PreparedBlock(backend.session(), block, SpikeMode.COLLAPSED));
      format = b == 0 ? format(block) : format;
      integers &= block.linears().values().stream().allMatch(l -> l.weight() instanceof QuantizedWeight && l.input() != null);
      blockBytes += TokenWork.bytes(block);
      positionBytes += TokenWork.positionBytes(block);
      progress.at(b + 1);
    }
    Decoder decoder = new Decoder(config, backend.session(), checkpoint.embeddings(), prepared, checkpoint.finalNorm(),
        checkpoint.head());
    double seconds = openSeconds + (System.nanoTime() - began) / 1e9;
    progress.end();
    TokenWork work = new TokenWork(config.block(), config.blocks(), (long) config.vocabulary() * config.block().hidden(),
        blockBytes, TokenWork.bytes(checkpoint.head()), positionBytes, integers);
    return new BenchSubject(backend, format, work, config.blocks(), seconds, decoder, null);
  }

  /** Bits of weights and activations, as w4a4; 16 where they are not quantized; float where neither is. */
  private static String format(Block block) {
    Block.Linear linear = block.linear(Projection.Q);
    int weightBits = linear.weight() instanceof QuantizedWeight quantized ? quantized.classes().getFirst().bits()
        : QuantizationSpec.FLOAT_BITS;
    Encoding input = linear.input();
    int activationBits = QuantizationSpec.FLOAT_BITS;
    if (input != null) {
      int levels = input.dynamics().getFirst().highLevel() - input.dynamics().getFirst().lowLevel();
      activationBits = Integer.SIZE - Integer.numberOfLeadingZeros(levels);
    }
    return weightBits == QuantizationSpec.FLOAT_BITS && input == null ? BenchFormat.FLOAT.toString()
        : "w" + weightBits + "a" + activationBits;
  }
}
