package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedBlock;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** Rules Q.1 to Q.7. */
final class PipelineRules {

  private PipelineRules() {}

  /** Activations encoded and weights in whole rows, the same in groups, and weights alone. */
  static List<BlockTask> tasks() {
    return List.of(BlockCase.task(4, 4, 0), BlockCase.task(4, 8, 16), BlockCase.task(3, QuantizationSpec.FLOAT_BITS, 0));
  }

  /** The same activations, weights as the pipeline's own plan has them. */
  static List<BlockTask> ownTasks(QuantizationPipeline pipeline) {
    QuantizationSpec own = pipeline.defaults(BlockCase.task(4, 4, 0).neuron());
    return IntStream.of(4, 8, QuantizationSpec.FLOAT_BITS).mapToObj(bits -> BlockCase.task(own.weightBits(), bits, own.groupSize())).toList();
  }

  private static String name(BlockTask task) {
    return "block task " + task.spec();
  }

  static void shapes(QuantizationPipeline pipeline, List<BlockTask> tasks, Session session) {
    for (BlockTask task : tasks) {
      QuantizedBlock result = pipeline.quantize(task, session);
      Block block = result.block();
      assertEquals(task.block().shape(), block.shape(), () -> name(task) + ": shape of the block");
      for (Tensor norm : new Tensor[] {block.attentionNorm(), block.mlpNorm()}) {
        assertTrue(norm.dtype() == DType.F32 && norm.rows() == 1 && norm.columns() == block.shape().hidden(),
            () -> name(task) + ": expected a norm F32 [1, " + block.shape().hidden() + "], found " + norm);
      }
      assertTrue(Arrays.stream(result.losses()).allMatch(Double::isFinite),
          () -> name(task) + ": losses " + Arrays.toString(result.losses()));
    }
  }

  /** What a user asked to be encoded is encoded so; a pipeline may order channels anew and split classes, not change what one fires. */
  static void encodings(QuantizationPipeline pipeline, List<BlockTask> tasks, Session session) {
    for (BlockTask task : tasks) {
      Block block = pipeline.quantize(task, session).block();
      for (Projection projection : Projection.values()) {
        String what = name(task) + ", " + projection.tensorName();
        Encoding asked = task.encodings().get(projection);
        Encoding found = block.linear(projection).input();
        if (asked == null) {
          assertNull(found, () -> what + ": nobody asked to encode its input");
          continue;
        }
        assertNotNull(found, () -> what + ": its input is not encoded");
        assertEquals(dynamics(asked), dynamics(found), () -> what + ": dynamics of the input's channels");
        assertEquals(asked.neuron().id(), found.neuron().id(), () -> what + ": neuron");
      }
      keyValues(task, block.keyValues());
    }
  }

  /** Of each channel, in their own order. */
  private static List<Dynamics> dynamics(Encoding encoding) {
    Dynamics[] dynamics = new Dynamics[encoding.order().channels()];
    for (int c = 0; c < encoding.order().classes(); c++) {
      for (int place = encoding.order().start(c); place < encoding.order().end(c); place++) {
        dynamics[encoding.order().order()[place]] = encoding.dynamics().get(c);
      }
    }
    return List.of(dynamics);
  }

  private static void keyValues(BlockTask task, KeyValueEncoding found) {
    KeyValueEncoding asked = task.keyValues();
    if (asked == null) {
      assertNull(found, () -> name(task) + ": nobody asked to encode keys and values");
      return;
    }
    assertNotNull(found, () -> name(task) + ": keys and values are not encoded");
    assertArrayEquals(asked.keySalient(), found.keySalient(), () -> name(task) + ": salient keys");
    assertArrayEquals(asked.valueSalient(), found.valueSalient(), () -> name(task) + ": salient values");
    assertEquals(asked.plain(), found.plain(), () -> name(task) + ": dynamics of plain keys and values");
    assertEquals(asked.salient(), found.salient(), () -> name(task) + ": dynamics of salient keys and values");
  }

  static void codes(QuantizationPipeline pipeline, List<BlockTask> tasks, Session session, boolean takesWeightBits) {
    for (BlockTask task : tasks) {
      Block block = pipeline.quantize(task, session).block();
      for (Projection projection : Projection.values()) {
        String what = name(task) + ", " + projection.tensorName();
        if (!(block.linear(projection).weight() instanceof QuantizedWeight weight)) {
          continue;
        }
        for (CodeClass codes : weight.classes()) {
          assertTrue(!takesWeightBits || codes.bits() <= task.spec().weightBits(),
              () -> what + ": codes of " + codes.bits() + " bits");
          rows(codes, what);
        }
      }
      assertTrue(Arrays.stream(Projection.values()).anyMatch(p -> !(block.linear(p).weight() instanceof DenseWeight)),
          () -> name(task) + ": no weight was quantized");
    }
  }

  /** Scales are finite, and what is over in a row's last byte is 0. */
  private static void rows(CodeClass codes, String what) {
    for (int r = 0; r < codes.codes().rows(); r++) {
      int row = r;
      for (int g = 0; g < codes.groups(); g++) {
        float scale = codes.scales().getFloat(r, g);
        assertTrue(Float.isFinite(scale), () -> what + ": scale " + scale + " in row " + row);
      }
      int used = codes.columns() * codes.bits() % 8;
      if (used != 0) {
        int last = codes.codes().getInt(r, codes.codes().columns() - 1);
        assertEquals(0, last >> used, () -> what + ": bits after the last code of row " + row);
      }
    }
  }

  static void deterministic(QuantizationPipeline pipeline, List<BlockTask> tasks, Session one, Session three) {
    for (BlockTask task : tasks) {
      String what = name(task);
      QuantizedBlock first = pipeline.quantize(task, one);
      QuantizedBlock again = pipeline.quantize(task, one);
      QuantizedBlock threads = pipeline.quantize(task, three);
      same(first, again, what + ", done again");
      same(first, threads, what + ", on 3 threads in place of 1");
    }
  }

  private static void same(QuantizedBlock expected, QuantizedBlock found, String what) {
    List<byte[]> left = BlockCase.bytes(expected.block());
    List<byte[]> right = BlockCase.bytes(found.block());
    assertEquals(left.size(), right.size(), () -> what + ": number of tensors");
    for (int i = 0; i < left.size(); i++) {
      int at = i;
      assertArrayEquals(left.get(i), right.get(i), () -> what + ": bytes of tensor " + at);
    }
    assertArrayEquals(expected.losses(), found.losses(), () -> what + ": losses");
  }

  static void taskStays(QuantizationPipeline pipeline, List<BlockTask> tasks, Session session) {
    for (BlockTask task : tasks) {
      List<byte[]> before = snapshot(task);
      pipeline.quantize(task, session);
      List<byte[]> after = snapshot(task);
      for (int i = 0; i < before.size(); i++) {
        int at = i;
        assertArrayEquals(before.get(i), after.get(i), () -> name(task) + ": part " + at + " of the task was changed");
      }
    }
  }

  private static List<byte[]> snapshot(BlockTask task) {
    List<byte[]> parts = new ArrayList<>(BlockCase.bytes(task.block()));
    for (Map.Entry<Projection, InputStatistics> entry : task.inputs().entrySet()) {
      InputStatistics inputs = entry.getValue();
      parts.add(Kernel.bytes(inputs.gram()));
      parts.add((Arrays.hashCode(inputs.absMax()) + "," + Arrays.hashCode(inputs.absMean())).getBytes());
    }
    for (int i = 0; i < task.calibration().samples(); i++) {
      parts.add(Kernel.bytes(task.calibration().input(i)));
      parts.add(Kernel.bytes(task.calibration().target(i)));
    }
    task.encodings().values().forEach(e -> parts.add(Integer.toString(e.order().hashCode()).getBytes()));
    KeyValueEncoding keyValues = task.keyValues();
    if (keyValues != null) {
      parts.add((Arrays.hashCode(keyValues.keyLow()) + "," + Arrays.hashCode(keyValues.keyHigh()) + ","
          + Arrays.hashCode(keyValues.keySalient()) + "," + Arrays.hashCode(keyValues.valueSalient())).getBytes());
    }
    return parts;
  }

  /** Each linear layer on the inputs of the float block, the way inference runs it. */
  static void runs(QuantizationPipeline pipeline, List<BlockTask> tasks, Session session) {
    for (BlockTask task : tasks) {
      Block block = pipeline.quantize(task, session).block();
      BlockOracle oracle = BlockOracle.run(task.block(), BlockCase.inputs(new Draw("block inputs")));
      for (Projection projection : Projection.values()) {
        Block.Linear linear = block.linear(projection);
        Tensor x = BlockOracle.tensor(oracle.inputs().get(projection.source()));
        Tensor y = Tensor.allocate(DType.F32, x.rows(), block.shape().rows(projection));
        switch (linear.weight()) {
          case DenseWeight dense -> session.matmul(x, dense.values(), y);
          case PartlyBinaryWeight binary -> session.matmul(x, binary.dequantize(), y);
          case QuantizedWeight weight when linear.input() == null -> session.prepare(weight).accumulate(x, y);
          case QuantizedWeight weight -> {
            SpikeTrain spikes = SpikeTrain.allocate(linear.input(), x.rows());
            session.encode(x, linear.input(), spikes);
            session.prepare(weight).accumulate(spikes, y);
          }
        }
        for (float value : y.toFloats()) {
          assertTrue(Float.isFinite(value), () -> name(task) + ", " + projection.tensorName() + ": answers " + value);
        }
      }
    }
  }

  /** More bits, less error of what the block answers, activations in float; 8 bits are close. */
  static void error(QuantizationPipeline pipeline, Session session) {
    double[] errors = new double[3];
    int[] bits = {2, 4, 8};
    double size = 0;
    for (int i = 0; i < bits.length; i++) {
      BlockTask task = BlockCase.task(bits[i], QuantizationSpec.FLOAT_BITS, 0);
      double[][] x = BlockCase.inputs(new Draw("block inputs"));
      double[][] expected = BlockOracle.run(task.block(), x).output();
      double[][] found = BlockOracle.run(pipeline.quantize(task, session).block(), x).output();
      size = 0;
      for (int t = 0; t < expected.length; t++) {
        for (int c = 0; c < expected[t].length; c++) {
          errors[i] += Math.pow(found[t][c] - expected[t][c], 2);
          size += Math.pow(expected[t][c] - x[t][c], 2);
        }
      }
    }
    String found = "squared errors of the block's output at 2, 4 and 8 bits, relative to what the block adds: "
        + errors[0] / size + ", " + errors[1] / size + ", " + errors[2] / size;
    assertTrue(errors[1] < errors[0] && errors[2] < errors[1], found + ": expected them to fall");
    assertTrue(errors[2] < 0.01 * size, found + ": expected the last one below 0.01");
  }
}
