package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.Block;
import org.spikellm.api.DType;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.Perplexity;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.Safetensors;
import org.spikellm.model.SpikeMode;

/** The float decoder and the rtn pipeline against an independent implementation. */
class GoldenTest {

  @Test
  void floatLogitsOfTheTinyModel() throws IOException {
    Safetensors golden = Golden.tensors("tiny/golden.safetensors");
    assertLogits(golden.tensor("logits.float"), floatLogits(Golden.TINY, Golden.ids(golden.tensor("test").rows(0, 1))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tales-3m", "stories260k", "tinystories-656k"})
  void floatLogits(String model) throws IOException {
    Safetensors golden = Golden.tensors("logits.safetensors");
    assertLogits(golden.tensor(model + ".logits"), floatLogits(Golden.model(model), Golden.ids(golden.tensor(model + ".ids"))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"tales-3m", "stories260k"})
  void floatPerplexity(String model) throws IOException {
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.model(model), Golden.neurons())) {
      double measured = perplexity(Decoder.load(checkpoint, session, SpikeMode.COLLAPSED), model);
      assertEquals(expected(model, "float"), measured, 0.001 * measured);
    }
  }

  @ParameterizedTest
  @CsvSource({"tales-3m, rtn, 1, 0", "tales-3m, rtn-t2, 2, 0.1", "stories260k, rtn, 1, 0", "stories260k, rtn-t2, 2, 0.1"})
  void rtnPerplexity(String model, String run, int steps, double salient) throws IOException {
    Safetensors golden = Golden.tensors(model + ".safetensors");
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.model(model), Golden.neurons())) {
      Decoder decoder = quantized(checkpoint, session, steps, salient, Golden.windows(golden.tensor("calibration")));
      double measured = perplexity(decoder, model);
      assertEquals(expected(model, run), measured, 0.02 * expected(model, run));
    }
  }

  @Test
  void rtnLogitsOfTheTinyModel() throws IOException {
    Safetensors golden = Golden.tensors("tiny/golden.safetensors");
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.TINY, Golden.neurons())) {
      Decoder decoder = quantized(checkpoint, session, 1, 0, Golden.windows(golden.tensor("calibration")));
      assertLogits(golden.tensor("rtn.logits"), logits(decoder, Golden.ids(golden.tensor("test").rows(0, 1))));
    }
  }

  private static Decoder quantized(Checkpoint checkpoint, Session session, int steps, double salient, List<int[]> windows)
      throws IOException {
    Registry registry = Golden.registry();
    QuantizationRequest request = new QuantizationRequest(new QuantizationSpec(4, 4, steps, salient, 0, 2),
        registry.find(QuantizationPipeline.class, "rtn"), registry.find(NeuronModel.class, "gif"),
        registry.find(SalienceDetector.class, "gradient"), QuantizationSpec.FLOAT_BITS, windows);
    CalibrationStream stream = new CalibrationStream(checkpoint.config(), checkpoint.embeddings(), windows);
    List<PreparedBlock> blocks = new ArrayList<>();
    for (int i = 0; i < checkpoint.config().blocks(); i++) {
      Block block = new BlockQuantization(request, session).quantize(i, checkpoint.block(i), stream, done -> { }).block();
      blocks.add(new PreparedBlock(session, block, SpikeMode.COLLAPSED));
      stream.advance(blocks.getLast(), done -> { });
    }
    return new Decoder(checkpoint.config(), session, checkpoint.embeddings(), blocks, checkpoint.finalNorm(), checkpoint.head());
  }

  private static double perplexity(Decoder decoder, String model) throws IOException {
    Safetensors golden = Golden.tensors(model + ".safetensors");
    return Perplexity.measure(decoder, Golden.ids(golden.tensor("test")), 256, 40, tokens -> { }).value();
  }

  private static double expected(String model, String run) {
    return ((Number) ((Map<?, ?>) Golden.json(model + ".json").get("perplexity")).get(run)).doubleValue();
  }

  private static Tensor floatLogits(Path model, int[] ids) throws IOException {
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(model, Golden.neurons())) {
      return logits(Decoder.load(checkpoint, session, SpikeMode.COLLAPSED), ids);
    }
  }

  private static Tensor logits(Decoder decoder, int[] ids) {
    Tensor logits = Tensor.allocate(DType.F32, ids.length, decoder.config().vocabulary());
    decoder.forward(ids, decoder.newCache(ids.length), (first, hidden) ->
        logits.rows(first, first + hidden.rows()).segment().copyFrom(decoder.logits(hidden).segment()));
    return logits;
  }

  /** Within 1e-4 of the largest. */
  private static void assertLogits(Tensor expected, Tensor found) {
    float largest = 0;
    float difference = 0;
    for (int r = 0; r < expected.rows(); r++) {
      for (int c = 0; c < expected.columns(); c++) {
        largest = Math.max(largest, Math.abs(expected.getFloat(r, c)));
        difference = Math.max(difference, Math.abs(expected.getFloat(r, c) - found.getFloat(r, c)));
      }
    }
    assertTrue(difference <= 1e-4 * largest, "largest difference " + difference + " of " + largest);
  }
}
