package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.TrainingListener;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.Perplexity;
import org.spikellm.model.Safetensors;
import org.spikellm.model.SpikeMode;

/**
 * Models on the Vulkan backend, in float, with encoded activations and with ternary weights, against an independent implementation:
 * the demo model in float, a smaller one quantized, since the device may be a CPU that acts as a GPU. Therefore it is also quantized
 * on the fastest backend.
 */
class VulkanGoldenTest {

  private static final String DEMO = "tales-3m";
  private static final String SMALL = "stories260k";

  private static void assertPerplexity(String model, String run, double within, Decoder decoder) throws IOException {
    double expected = ((Number) ((Map<?, ?>) Golden.json(model + ".json").get("perplexity")).get(run)).doubleValue();
    Safetensors golden = Golden.tensors(model + ".safetensors");
    double measured = Perplexity.measure(decoder, Golden.ids(golden.tensor("test")), 256, 40, tokens -> { }).value();
    System.out.printf(Locale.ROOT, "%s, %s: perplexity %.4f, golden %.4f%n", model, run, measured, expected);
    assertEquals(expected, measured, within * expected, run);
  }

  private static void assertQuantized(String run, double within, String pipeline, Map<String, String> options,
      QuantizationSpec spec) throws IOException {
    try (Session vulkan = Golden.session("vulkan"); Session fastest = Golden.session();
        Checkpoint checkpoint = Checkpoint.open(Golden.model(SMALL), Golden.neurons())) {
      Registry registry = Golden.registry();
      QuantizationRequest request = new QuantizationRequest(spec, registry.find(QuantizationPipeline.class, pipeline, options),
          registry.find(NeuronModel.class, "gif"), registry.find(SalienceDetector.class, "gradient"),
          Golden.windows(Golden.tensors(SMALL + ".safetensors").tensor("calibration")), Long.MAX_VALUE);
      Decoder decoder = Quantized.decoder(checkpoint, fastest, vulkan, request, TrainingListener.NONE, SpikeMode.COLLAPSED);
      assertPerplexity(SMALL, run, within, decoder);
    }
  }

  @Test
  void floatPerplexity() throws IOException {
    try (Session session = Golden.session("vulkan"); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      assertPerplexity(DEMO, "float", 0.001, Decoder.load(checkpoint, session, SpikeMode.COLLAPSED));
    }
  }

  @Test
  void floatPerplexityWithTheLastBlocksOnTheCpu() throws IOException {
    Golden.session("vulkan").close(); // or the test is skipped
    ComputeBackend some = Golden.registry().find(ComputeBackend.class, "vulkan", Map.of("layers", "2"));
    try (Session session = some.open(2); Session fastest = Golden.session();
        Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      assertPerplexity(DEMO, "float", 0.001, Decoder.load(checkpoint, session, () -> fastest, SpikeMode.COLLAPSED));
    }
  }

  @Test
  void rtnPerplexity() throws IOException {
    assertQuantized("rtn-t2", 0.02, "rtn", Map.of(), new QuantizationSpec(4, 4, 2, 0.1, 0, 2));
  }

  @Test
  void ternaryPerplexity() throws IOException {
    assertQuantized("ternary", 0.03, "gptq", Map.of("weights", "ternary", "scales", "float"),
        new QuantizationSpec(2, QuantizationSpec.FLOAT_BITS, 1, 0, 0, 2));
  }
}
