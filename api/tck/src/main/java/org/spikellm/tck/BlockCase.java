package org.spikellm.tck;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;
import org.spikellm.api.TrainingListener;

/** A small random decoder block with grouped queries, and the task of quantizing it. */
final class BlockCase {

  static final BlockShape SHAPE = new BlockShape(40, 4, 2, 10, 56, 1e-5f);

  private BlockCase() {}

  /** What a block is tried on, [tokens][hidden], a few channels larger than the others. */
  static double[][] inputs(Draw draw) {
    double[][] x = new double[48][SHAPE.hidden()];
    for (double[] row : x) {
      for (int c = 0; c < row.length; c++) {
        row[c] = draw.gaussian() * (c % 13 == 5 ? 8 : 1);
      }
    }
    return x;
  }

  /** The task of {@code weightBits} and {@code activationBits}; equal arguments give equal tasks. */
  static BlockTask task(int weightBits, int activationBits, int groupSize) {
    Draw draw = new Draw("block");
    Block block = block(draw);
    Map<Projection.Source, double[][]> seen = BlockOracle.run(block, inputs(draw)).inputs();
    QuantizationSpec spec = new QuantizationSpec(weightBits, activationBits, 2, 0.1, groupSize, 7);
    Map<Projection, InputStatistics> statistics = new EnumMap<>(Projection.class);
    Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      statistics.put(projection, SalienceRules.statistics(BlockOracle.tensor(seen.get(projection.source()))));
      if (spec.encodesActivations()) {
        encodings.put(projection, new Encoding(SoftResetNeuron.WHOLE,
            ChannelOrder.of(salient(draw, SHAPE.columns(projection))), EncodeOracle.dynamics(activationBits, 1, 2), true));
      }
    }
    return new BlockTask(1, block, spec, SoftResetNeuron.WHOLE, statistics, encodings,
        spec.encodesActivations() ? keyValues(draw, activationBits) : null, new CalibrationCase(block), TrainingListener.NONE);
  }

  private static Block block(Draw draw) {
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      int columns = SHAPE.columns(projection);
      DType type = projection == Projection.UP ? DType.BF16 : DType.F32;
      Tensor weight = draw.normal(Tensor.allocate(type, SHAPE.rows(projection), columns), 1 / Math.sqrt(columns));
      Tensor bias = projection == Projection.Q ? draw.normal(Tensor.allocate(DType.F32, 1, SHAPE.rows(projection)), 0.1) : null;
      linears.put(projection, new Block.Linear(new DenseWeight(weight), bias, null));
    }
    return new Block(SHAPE, linears, norm(draw), norm(draw), null);
  }

  private static Tensor norm(Draw draw) {
    Tensor norm = Tensor.allocate(DType.F32, 1, SHAPE.hidden());
    for (int c = 0; c < norm.columns(); c++) {
      norm.setFloat(0, c, draw.between(0.5f, 1.5f));
    }
    return norm;
  }

  private static boolean[] salient(Draw draw, int channels) {
    boolean[] salient = new boolean[channels];
    for (int c = 0; c < channels; c++) {
      salient[c] = draw.chance(0.1);
    }
    return salient;
  }

  private static KeyValueEncoding keyValues(Draw draw, int bits) {
    int channels = SHAPE.kvHeads() * SHAPE.headDim();
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      low[c] = draw.between(-4f, -2f);
      high[c] = draw.between(2f, 4f);
    }
    var dynamics = EncodeOracle.dynamics(bits, 1, 2);
    return new KeyValueEncoding(SoftResetNeuron.WHOLE, dynamics.getFirst(), dynamics.getLast(), true, salient(draw, channels),
        low, high, salient(draw, channels));
  }

  /** Every byte of a block's weights, scales, zero points, norms and biases, in one order. */
  static List<byte[]> bytes(Block block) {
    List<Tensor> tensors = new ArrayList<>(List.of(block.attentionNorm(), block.mlpNorm()));
    for (Projection projection : Projection.values()) {
      Block.Linear linear = block.linear(projection);
      if (linear.bias() != null) {
        tensors.add(linear.bias());
      }
      switch (linear.weight()) {
        case DenseWeight dense -> tensors.add(dense.values());
        case QuantizedWeight quantized -> {
          for (CodeClass codes : quantized.classes()) {
            tensors.addAll(List.of(codes.codes(), codes.scales(), codes.zeros()));
          }
        }
        case PartlyBinaryWeight binary -> tensors.addAll(List.of(binary.mask(), binary.signs(), binary.levels(), binary.scales(),
            binary.zeros(), binary.codes()));
      }
    }
    return tensors.stream().map(Kernel::bytes).toList();
  }
}
