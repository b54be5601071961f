package org.spikellm.model;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;

/** The tiny model, quantized without calibration: random channels are salient, keys range from −4 to 4. */
final class PackedTiny {

  static final Path SOURCE = Path.of("src/test/resources/tiny");
  static final int FLOAT = QuantizationSpec.FLOAT_BITS;
  private static final long SEED = 3;

  /** Fires whole levels, as the generalized integrate-and-fire neuron does. */
  static final NeuronModel NEURON = new NeuronModel() {
    @Override
    public String id() {
      return "test";
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return true;
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      for (int i = 0; i < input.length; i++) {
        potential[i] += input[i];
        spikes[i] = (short) Math.clamp((int) potential[i], dynamics.lowLevel(), dynamics.highLevel());
        potential[i] -= spikes[i];
      }
    }
  };

  static final NeuronLookup NEURONS = (id, options) -> {
    if (!id.equals("test") || !options.isEmpty()) {
      throw new CheckpointException("there is no neuron '" + id + "' with " + options.size() + " options; known ones: test");
    }
    return NEURON;
  };

  private PackedTiny() {}

  static Map<String, Object> task(int weightBits, int activationBits, int groupSize, int headBits) {
    Map<String, Object> task = new LinkedHashMap<>();
    task.put("neuron", activationBits == FLOAT ? null : Map.of("id", "test", "options", Map.of()));
    task.put("weight_bits", weightBits);
    task.put("activation_bits", activationBits);
    task.put("group_size", groupSize);
    task.put("head_bits", headBits);
    return task;
  }

  static Block block(Block source, int weightBits, int activationBits, int groupSize) {
    BlockShape shape = source.shape();
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      DenseWeight dense = (DenseWeight) source.linear(projection).weight();
      Encoding input = activationBits == FLOAT ? null : new Encoding(NEURON, ChannelOrder.of(salient(dense.columns())),
          List.of(NEURON.dynamics(activationBits, 1), NEURON.dynamics(activationBits, 2)), true);
      ChannelOrder order = input == null ? ChannelOrder.identity(dense.columns()) : input.order();
      LinearWeight weight = weightBits == FLOAT ? dense
          : AffineQuantizer.quantize(dense.values(), order, weightBits, groupSize, AffineQuantizer.Clipping.of(1));
      linears.put(projection, new Block.Linear(weight, null, input));
    }
    return new Block(shape, linears, source.attentionNorm(), source.mlpNorm(),
        activationBits == FLOAT ? null : keyValues(shape, activationBits));
  }

  private static KeyValueEncoding keyValues(BlockShape shape, int bits) {
    float[] low = new float[shape.kvHeads() * shape.headDim()];
    float[] high = new float[low.length];
    Arrays.fill(low, -4);
    Arrays.fill(high, 4);
    return new KeyValueEncoding(NEURON, NEURON.dynamics(bits, 1), NEURON.dynamics(bits, 2), true, salient(low.length), low, high,
        salient(low.length));
  }

  private static boolean[] salient(int channels) {
    Random random = new Random(SEED);
    boolean[] salient = new boolean[channels];
    for (int i = 0; i < channels; i++) {
      salient[i] = random.nextInt(10) == 0;
    }
    salient[channels / 2] = true;
    return salient;
  }

  static LinearWeight head(Checkpoint source, int bits) throws CheckpointException {
    LinearWeight head = source.head();
    return bits == FLOAT ? head
        : AffineQuantizer.quantize(((DenseWeight) head).values(), ChannelOrder.identity(head.columns()), bits, 0, AffineQuantizer.Clipping.of(1));
  }

  /** Writes all of it, or goes on with what is there. */
  static Path write(Path out, int weightBits, int activationBits, int groupSize, int headBits) throws IOException {
    try (Checkpoint source = Checkpoint.open(SOURCE, NEURONS)) {
      Map<String, Object> task = task(weightBits, activationBits, groupSize, headBits);
      try (CheckpointWriter writer = CheckpointWriter.open(out, source, task, true)) {
        for (int i = writer.finishedBlocks(); i < source.config().blocks(); i++) {
          writer.write(i, block(source.block(i), weightBits, activationBits, groupSize), Map.of());
        }
        writer.finish(head(source, headBits), task);
      }
      return out;
    }
  }
}
