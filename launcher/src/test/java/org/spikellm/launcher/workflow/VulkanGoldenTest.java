package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
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
 * The demo model on the Vulkan backend, in float, with encoded activations and with ternary weights, against an independent
 * implementation. It is quantized on the fastest backend, since the device may be a CPU that acts as a GPU.
 */
class VulkanGoldenTest {

  private static final Safetensors GOLDEN = Golden.tensors("tales-3m.safetensors");

  private static void assertPerplexity(String run, double within, Decoder decoder) throws IOException {
    double expected = ((Number) ((Map<?, ?>) Golden.json("tales-3m.json").get("perplexity")).get(run)).doubleValue();
    double measured = Perplexity.measure(decoder, Golden.ids(GOLDEN.tensor("test")), 256, 40, tokens -> { }).value();
    assertEquals(expected, measured, within * expected, run);
  }

  private static void assertQuantized(String run, double within, String pipeline, Map<String, String> options,
      QuantizationSpec spec) throws IOException {
    try (Session vulkan = Golden.session("vulkan"); Session fastest = Golden.session();
        Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      Registry registry = Golden.registry();
      QuantizationRequest request = new QuantizationRequest(spec, registry.find(QuantizationPipeline.class, pipeline, options),
          registry.find(NeuronModel.class, "gif"), registry.find(SalienceDetector.class, "gradient"),
          Golden.windows(GOLDEN.tensor("calibration")), Long.MAX_VALUE);
      Decoder decoder = Quantized.decoder(checkpoint, fastest, vulkan, request, TrainingListener.NONE, SpikeMode.COLLAPSED);
      assertPerplexity(run, within, decoder);
    }
  }

  @Test
  void floatPerplexity() throws IOException {
    try (Session session = Golden.session("vulkan"); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      assertPerplexity("float", 0.001, Decoder.load(checkpoint, session, SpikeMode.COLLAPSED));
    }
  }

  @Test
  void floatPerplexityWithTheLastBlocksOnTheCpu() throws IOException {
    Golden.session("vulkan").close(); // or the test is skipped
    ComputeBackend some = Golden.registry().find(ComputeBackend.class, "vulkan", Map.of("layers", "2"));
    try (Session session = some.open(2); Session fastest = Golden.session();
        Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      assertPerplexity("float", 0.001, Decoder.load(checkpoint, session, () -> fastest, SpikeMode.COLLAPSED));
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
