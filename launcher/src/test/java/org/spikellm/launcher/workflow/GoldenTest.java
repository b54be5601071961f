package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.Block;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.model.BlockStatistics;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.Perplexity;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.Safetensors;
import org.spikellm.model.SpikeMode;

/** The float decoder and the rtn pipeline against an independent implementation. */
class GoldenTest {

  /** Where it computes; a test of another backend overrides it. */
  String backend() {
    return "simd";
  }

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
    try (Session session = Golden.session(backend()); Checkpoint checkpoint = Checkpoint.open(Golden.model(model), Golden.neurons())) {
      double measured = perplexity(Decoder.load(checkpoint, session, SpikeMode.COLLAPSED), model);
      assertEquals(expected(model, "float"), measured, 0.001 * measured);
    }
  }

  @ParameterizedTest
  @CsvSource({"tales-3m, rtn, 1, 0", "tales-3m, rtn-t2, 2, 0.1", "stories260k, rtn, 1, 0", "stories260k, rtn-t2, 2, 0.1"})
  void rtnPerplexity(String model, String run, int steps, double salient) throws IOException {
    Safetensors golden = Golden.tensors(model + ".safetensors");
    try (Session session = Golden.session(backend()); Checkpoint checkpoint = Checkpoint.open(Golden.model(model), Golden.neurons())) {
      Decoder decoder = quantized(checkpoint, session, steps, salient, Golden.windows(golden.tensor("calibration")));
      double measured = perplexity(decoder, model);
      assertEquals(expected(model, run), measured, 0.02 * expected(model, run));
    }
  }

  @Test
  void rtnLogitsOfTheTinyModel() throws IOException {
    Safetensors golden = Golden.tensors("tiny/golden.safetensors");
    try (Session session = Golden.session(backend()); Checkpoint checkpoint = Checkpoint.open(Golden.TINY, Golden.neurons())) {
      Decoder decoder = quantized(checkpoint, session, 1, 0, Golden.windows(golden.tensor("calibration")));
      assertLogits(golden.tensor("rtn.logits"), logits(decoder, Golden.ids(golden.tensor("test").rows(0, 1))));
    }
  }

  @ParameterizedTest
  @CsvSource({"spike, 0.9", "spike-t4, 0.95"})
  void salienceOfTheTinyModelsFirstBlock(String run, double plain) throws IOException {
    Safetensors golden = Golden.tensors("tiny/golden.safetensors");
    List<int[]> windows = Golden.windows(golden.tensor("calibration"));
    try (Session session = Golden.session(backend()); Checkpoint checkpoint = Checkpoint.open(Golden.TINY, Golden.neurons())) {
      Block block = checkpoint.block(0);
      BlockStatistics statistics = new BlockStatistics(block.shape(), session, true);
      new CalibrationStream(checkpoint.config(), checkpoint.embeddings(), windows, Long.MAX_VALUE)
          .observe(new PreparedBlock(session, block, SpikeMode.COLLAPSED), statistics, done -> { });
      SalienceDetector detector = Golden.registry().find(SalienceDetector.class, "gradient");
      for (Projection projection : Projection.values()) {
        String name = run + ".0." + projection.name().toLowerCase(Locale.ROOT);
        Tensor weight = ((DenseWeight) block.linear(projection).weight()).values().toF32();
        float[] score = detector.score(weight, statistics.inputs().get(projection), session);
        assertNear(name, golden.tensor(name + ".salience").toFloats(), score);
        assertPlain(name, golden.tensor(name + ".plain").toFloats(), ChannelOrder.select(score, plain));
      }
      String keys = run + ".0.k.cache";
      String values = run + ".0.v.cache";
      assertNear(keys, golden.tensor(keys + ".salience").toFloats(), statistics.keySalience());
      assertNear(values, golden.tensor(values + ".salience").toFloats(), statistics.valueSalience());
      assertPlain(keys, golden.tensor(keys + ".plain").toFloats(), ChannelOrder.select(statistics.keySalience(), plain));
      assertPlain(values, golden.tensor(values + ".plain").toFloats(), ChannelOrder.select(statistics.valueSalience(), plain));
      assertNear(keys + ".lo", golden.tensor(keys + ".lo").toFloats(), statistics.keyLow());
      assertNear(keys + ".hi", golden.tensor(keys + ".hi").toFloats(), statistics.keyHigh());
    }
  }

  /** Within 1e-4 of the largest. */
  private static void assertNear(String name, float[] expected, float[] found) {
    assertEquals(expected.length, found.length, name);
    float largest = 0;
    for (float value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertArrayEquals(expected, found, 1e-4f * largest, name);
  }

  private static void assertPlain(String name, float[] plain, boolean[] salient) {
    for (int c = 0; c < plain.length; c++) {
      assertEquals(plain[c] == 0, salient[c], name + ": channel " + c + " is salient");
    }
  }

  private static Decoder quantized(Checkpoint checkpoint, Session session, int steps, double salient, List<int[]> windows)
      throws IOException {
    return Quantized.decoder(checkpoint, session, "gif", new QuantizationSpec(4, 4, steps, salient, 0, 2), windows,
        SpikeMode.COLLAPSED);
  }

  private static double perplexity(Decoder decoder, String model) throws IOException {
    Safetensors golden = Golden.tensors(model + ".safetensors");
    return Perplexity.measure(decoder, Golden.ids(golden.tensor("test")), 256, 40, tokens -> { }).value();
  }

  private static double expected(String model, String run) {
    return ((Number) ((Map<?, ?>) Golden.json(model + ".json").get("perplexity")).get(run)).doubleValue();
  }

  private Tensor floatLogits(Path model, int[] ids) throws IOException {
    try (Session session = Golden.session(backend()); Checkpoint checkpoint = Checkpoint.open(model, Golden.neurons())) {
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
