package org.spikellm.model.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.spikellm.api.Block;
import org.spikellm.api.BlockTask;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;

/** A whole block in training against the same written out in double, its gradients against differences of that. */
class TrainableBlockTest {

  private static final TrainableBlock.Settings BOTH = new TrainableBlock.Settings(true, 1e-2, true, 1e-3, 0.75);
  private static final TrainableBlock.Settings CLIPPING = new TrainableBlock.Settings(true, 1e-2, false, 1e-3, 0.75);
  private static final TrainableBlock.Settings SMOOTHING = new TrainableBlock.Settings(false, 1e-2, true, 1e-3, 0.75);

  static Stream<Arguments> cases() {
    NeuronModel whole = new TrainingCase.Whole(false);
    return Stream.of(
        Arguments.of("W4A4, LWC and LET", 4, 0, whole, BOTH),
        Arguments.of("W4A4 in groups of 7", 4, 7, whole, BOTH),
        Arguments.of("W2A4, LWC alone", 2, 0, whole, CLIPPING),
        Arguments.of("W4A4, LET alone", 4, 0, whole, SMOOTHING),
        Arguments.of("spikes of both signs", 4, 0, new TrainingCase.Whole(true), BOTH),
        Arguments.of("a neuron that is not collapsible", 4, 0, new TrainingCase.Reluctant(), BOTH),
        Arguments.of("weights alone", 3, 0, null, BOTH),
        Arguments.of("activations alone", 16, 0, whole, BOTH));
  }

  /** Parameters away from where they start, where a wrong power of s would not show; s of both signs. */
  private static Map<String, double[]> move(TrainableBlock block, TrainingCase at) {
    Map<String, double[]> values = new LinkedHashMap<>();
    block.parameters().forEach((name, parameter) -> {
      float[] v = parameter.values();
      double[] copy = new double[v.length];
      for (int i = 0; i < v.length; i++) {
        v[i] = name.startsWith("s_") ? at.near(1.3, 1) * (i % 5 == 3 ? -1 : 1) : at.near(1.5, 1);
        copy[i] = v[i];
      }
      values.put(name, copy);
    });
    return values;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void gradients(String name, int weightBits, int groupSize, NeuronModel neuron, TrainableBlock.Settings settings) {
    TrainingCase at = new TrainingCase(weightBits, groupSize, neuron);
    double[] direction = Differences.normal(new Random(TrainingCase.SEED), TrainingCase.TOKENS * TrainingCase.SHAPE.hidden(), 1);
    try (Session session = new ReferenceBackend().open(1); TrainableBlock block = new TrainableBlock(session, at.task, settings)) {
      Map<String, double[]> parameters = move(block, at);
      DoubleBlock oracle = new DoubleBlock(at.task);
      double[][] expected = oracle.forward(at.input, parameters);
      block.begin();
      Tensor found = block.forward(at.inputTensor());
      assertNear(expected, found);
      block.backward(Differences.tensor(direction, TrainingCase.TOKENS));
      assertTrue(!parameters.isEmpty(), "nothing is learned");
      parameters.forEach((parameter, values) -> Differences.assertGradient(parameter,
          Differences.gradient(values, moved -> Differences.dot(direction, flat(oracle.forward(at.input, parameters)))),
          block.parameters().get(parameter).gradient()));
    }
  }

  private static double[] flat(double[][] x) {
    return Stream.of(x).flatMapToDouble(java.util.Arrays::stream).toArray();
  }

  /** Sums of some ten terms in float, seven layers deep. */
  private static void assertNear(double[][] expected, Tensor found) {
    for (int t = 0; t < expected.length; t++) {
      for (int c = 0; c < expected[t].length; c++) {
        assertEquals(expected[t][c], found.getFloat(t, c), 1e-4, "output of token " + t + ", channel " + c);
      }
    }
  }

  /** Folded, a block answers what it answered in training, wherever its vectors are. */
  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void foldingChangesNothing(String name, int weightBits, int groupSize, NeuronModel neuron, TrainableBlock.Settings settings) {
    TrainingCase at = new TrainingCase(weightBits, groupSize, neuron);
    try (Session session = new ReferenceBackend().open(1); TrainableBlock block = new TrainableBlock(session, at.task, settings)) {
      move(block, at);
      block.begin();
      double[][] trained = rows(block.forward(at.inputTensor()));
      Block folded = block.fold();
      Map<Projection, Block.Linear> dense = new EnumMap<>(Projection.class);
      folded.linears().forEach((projection, linear) -> dense.put(projection, new Block.Linear(linear.weight()
          instanceof QuantizedWeight quantized ? new DenseWeight(quantized.dequantize()) : linear.weight(), linear.bias(), null)));
      BlockTask plain = new BlockTask(0, new Block(folded.shape(), dense, folded.attentionNorm(), folded.mlpNorm(), null),
          new QuantizationSpec(16, at.task.spec().activationBits(), 2, 0.2, 0, 2), at.task.neuron(), at.task.inputs(), at.task.encodings(),
          folded.keyValues(), at.task.calibration(), at.task.listener());
      assertNear(new DoubleBlock(plain).forward(at.input, Map.of()), Differences.tensor(flat(trained), TrainingCase.TOKENS));
    }
  }

  private static double[][] rows(Tensor x) {
    double[][] rows = new double[x.rows()][x.columns()];
    for (int t = 0; t < rows.length; t++) {
      for (int c = 0; c < rows[t].length; c++) {
        rows[t][c] = x.getFloat(t, c);
      }
    }
    return rows;
  }

  /** LET cancels: whatever its vectors, a block that quantizes nothing answers as before, in training and folded. */
  @Test
  void smoothingLeavesTheFloatBlocksFunction() {
    for (int trial = 0; trial < 20; trial++) {
      TrainingCase at = new TrainingCase(16, 0, null);
      double[][] expected = new DoubleBlock(at.task).forward(at.input, Map.of());
      try (Session session = new ReferenceBackend().open(1); TrainableBlock block = new TrainableBlock(session, at.task, SMOOTHING)) {
        Random random = new Random(trial);
        block.parameters().values().forEach(p -> {
          for (int i = 0; i < p.values().length; i++) {
            p.values()[i] = (float) Math.exp(random.nextGaussian()) * (random.nextBoolean() ? 1 : -1);
          }
        });
        block.begin();
        assertNear(expected, block.forward(at.inputTensor()));
        BlockTask folded = new BlockTask(0, block.fold(), at.task.spec(), at.task.neuron(), at.task.inputs(), Map.of(),
            null, at.task.calibration(), at.task.listener());
        assertNear(expected, Differences.tensor(flat(new DoubleBlock(folded).forward(at.input, Map.of())), TrainingCase.TOKENS));
      }
    }
  }
}
