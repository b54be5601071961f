package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.api.Block;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;

/** What users ask of training besides its arithmetic: kinds of quantization, losses that are not numbers, less error than without it. */
class TrainingTest {

  private static final QuantizationSpec W4A4 = new QuantizationSpec(4, 4, 2, 0.1, 0, 2);

  private static final int SAMPLES = 4;
  private static final int SEQUENCE = 48;

  private record Trained(Block block, Heard heard, double error) {}

  private static QuantizationRequest request(QuantizationSpec spec, String neuron, Map<String, String> options) throws IOException {
    Registry registry = Golden.registry();
    return new QuantizationRequest(spec, registry.find(QuantizationPipeline.class, "omniquant", options),
        registry.find(NeuronModel.class, neuron), registry.find(SalienceDetector.class, "gradient"),
        Golden.windows(Golden.tensors("tales-3m.safetensors").tensor("calibration")).subList(0, SAMPLES).stream()
            .map(window -> Arrays.copyOf(window, SEQUENCE)).toList(), Long.MAX_VALUE);
  }

  /** Trains the demo model's first block, and measures the squared error of what it answers then. */
  private static Trained train(QuantizationRequest request) throws IOException {
    try (Session session = Golden.trainingSession(); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons());
        Streams streams = Streams.open(checkpoint.config(), checkpoint.embeddings(), request.calibration(), true, request.memory())) {
      Heard heard = new Heard();
      Block block = new BlockQuantization(request, session).quantize(0, checkpoint.block(0), streams, done -> { }, heard).block();
      PreparedBlock prepared = new PreparedBlock(session, block, SpikeMode.COLLAPSED);
      double error = 0;
      for (int sample = 0; sample < streams.samples(); sample++) {
        error += squaredError(streams.quantized(), prepared, streams.floating().sample(sample), sample);
      }
      return new Trained(block, heard, error / streams.samples());
    }
  }

  private static double squaredError(CalibrationStream stream, PreparedBlock block, Tensor target, int sample) {
    float[] found = stream.run(block, sample).toFloats();
    float[] expected = target.toFloats();
    double sum = 0;
    for (int i = 0; i < found.length; i++) {
      sum += Math.pow(found[i] - expected[i], 2) / found.length;
    }
    return sum;
  }

  /** The loss that training reports is the error of the block that inference runs. */
  @Test
  void theFoldedBlockHasTheLossOfTheTrainedOne() throws IOException {
    Trained start = train(request(W4A4, "gif", Map.of("epochs", "0")));
    Trained still = train(request(W4A4, "gif", Map.of("epochs", "1", "lwc-lr", "0", "let-lr", "0")));
    assertEquals(still.heard().losses.getFirst(), start.error(), 1e-4 * start.error(), "loss and error where nothing was learned");
    assertEquals(List.of(), start.heard().losses);
  }

  /** Every kind of quantization, with fewer errors after training than where it starts. */
  @ParameterizedTest(name = "W{0}A{1}, {2} steps, groups of {3}, {4}, {5}")
  @CsvSource({"4, 4, 2, 0, gif, ''", "2, 16, 1, 0, gif, ''", "3, 16, 1, 16, gif, ''", "4, 4, 2, 16, gif, ''", "8, 8, 1, 0, gif, ''",
      "4, 4, 8, 0, gif, ''", "16, 4, 2, 0, gif, ''", "4, 6, 2, 0, lif, ''", "4, 4, 2, 0, ternary-gif, ''",
      "3, 4, 2, 0, gif, let=false", "4, 4, 2, 0, gif, lwc=false", "4, 4, 2, 0, gif, aug-loss=true", "4, 12, 2, 0, gif, ''"})
  void lessErrorThanAtTheStart(int weightBits, int activationBits, int steps, int groupSize, String neuron, String option)
      throws IOException {
    QuantizationSpec spec = new QuantizationSpec(weightBits, activationBits, steps, steps > 1 ? 0.1 : 0, groupSize, 2);
    Map<String, String> options = option.isEmpty() ? Map.of() : Map.of(option.split("=")[0], option.split("=")[1]);
    Trained start = train(request(spec, neuron, with(options, "epochs", "0")));
    Trained end = train(request(spec, neuron, with(options, "epochs", "10")));
    assertEquals(List.of(), end.heard().warnings);
    // Weights in float leave little to learn, and what rounds otherwise moves errors by up to 2 % (OmniQuantGoldenTest).
    double most = weightBits == QuantizationSpec.FLOAT_BITS ? 1.02 * start.error() : start.error();
    assertTrue(end.error() < most, "error " + start.error() + " at the start, " + end.error() + " after training");
  }

  private static Map<String, String> with(Map<String, String> options, String key, String value) {
    Map<String, String> all = new TreeMap<>(options);
    all.put(key, value);
    return all;
  }

  /** A sample that cannot be learned from in the second epoch: the block is what it was after the first one. */
  @Test
  void aLossThatIsNotFiniteEndsTheBlock() throws IOException {
    QuantizationRequest request = request(W4A4, "gif", Map.of("epochs", "3"));
    int[] calls = {0};
    QuantizationPipeline poisoned = ChangedSamples.pipeline(request.pipeline(), (x, sample) -> x, (y, sample) -> {
      if (calls[0]++ != request.calibration().size() + 1) {
        return y;
      }
      Tensor broken = y.toF32();
      broken.setFloat(1, 1, Float.NaN);
      return broken;
    });
    Trained found = train(new QuantizationRequest(request.spec(), poisoned, request.neuron(), request.detector(), request.calibration(),
        request.memory()));
    assertEquals(1, found.heard().losses.size(), "epochs that came to their end");
    assertEquals(1, found.heard().warnings.size());
    assertTrue(found.heard().warnings.getFirst().startsWith("the loss of epoch 2, sample 2 is not finite"),
        found.heard().warnings::toString);
    Trained expected = train(request(W4A4, "gif", Map.of("epochs", "1")));
    for (Projection projection : Projection.values()) {
      assertArrayEquals(weights(expected.block(), projection), weights(found.block(), projection), projection.tensorName());
    }
  }

  private static float[] weights(Block block, Projection projection) {
    return ((QuantizedWeight) block.linear(projection).weight()).dequantize().toFloats();
  }

  /** One piece of memory or files: the bits are the same. */
  @Test
  void memoryDoesNotChangeTheResult() throws IOException {
    QuantizationRequest request = request(W4A4, "gif", Map.of("epochs", "2", "aug-loss", "true"));
    Trained inMemory = train(request);
    Trained inFiles = train(new QuantizationRequest(request.spec(), request.pipeline(), request.neuron(), request.detector(),
        request.calibration(), 0));
    assertEquals(inMemory.heard().losses, inFiles.heard().losses);
    for (Projection projection : Projection.values()) {
      assertArrayEquals(weights(inMemory.block(), projection), weights(inFiles.block(), projection), projection.tensorName());
    }
  }
}
