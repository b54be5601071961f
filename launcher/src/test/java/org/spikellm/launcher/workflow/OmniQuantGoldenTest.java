package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.TrainingListener;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Safetensors;
import org.spikellm.model.SpikeMode;

/** The OmniQuant pipeline against an independent implementation. */
class OmniQuantGoldenTest {

  /** What training reports, block after block. */
  private static final class Heard implements TrainingListener {
    final List<double[]> losses = new ArrayList<>();
    final List<Map<String, float[]>> learned = new ArrayList<>();
    private int block;

    @Override
    public void step(int done, int of) {}

    @Override
    public void epoch(int epoch, double loss) {
      if (epoch == 0) {
        block = block + 1;
        learned.add(new LinkedHashMap<>());
      }
      losses.add(new double[] {block - 1, epoch, loss});
    }

    @Override
    public void learned(String name, float[] values) {
      learned.getLast().put(name, values.clone());
    }

    @Override
    public void warning(String what) {
      throw new AssertionError(what);
    }
  }

  @ParameterizedTest
  @CsvSource({"spike, 2, 0.1, true", "spike-t4, 4, 0.05, true", "omniquant, 1, 0, true", "lwc-only, 2, 0.1, false"})
  void tiny(String run, int steps, double salient, boolean let) throws IOException {
    Safetensors golden = Golden.tensors("tiny/golden.safetensors");
    Heard heard = new Heard();
    try (Session session = Golden.session(System.getProperty("be","auto")); Checkpoint checkpoint = Checkpoint.open(Golden.TINY, Golden.neurons())) {
      Quantized.decoder(checkpoint, session, request(steps, salient, let, 6, Golden.windows(golden.tensor("calibration"))), heard,
          SpikeMode.COLLAPSED);
    }
    List<?> losses = (List<?>) ((Map<?, ?>) Golden.json("tiny/golden.json").get("loss")).get(run);
    for (int i = 0; i < losses.size(); i++) {
      List<?> l = (List<?>) losses.get(i);
      System.out.printf("%s %s %.6f %.6f %+.3f%%%n", run, l, ((Number) l.get(2)).doubleValue(), heard.losses.get(i)[2], 100 * (heard.losses.get(i)[2] / ((Number) l.get(2)).doubleValue() - 1));
    }
    for (int b = 0; b < 2; b++) {
      for (var e : heard.learned.get(b).entrySet()) {
        String name = e.getKey();
        for (Projection p : Projection.values()) {
          name = name.replace(p.tensorName(), p.name().toLowerCase(Locale.ROOT));
        }
        name = run + "." + b + "." + name;
        if (!golden.entries().containsKey(name)) {
          System.out.println("none " + name);
          continue;
        }
        float[] x = golden.tensor(name).toFloats();
        float[] y = e.getValue();
        float max = 0, dif = 0, c0 = 0;
        float start = name.contains("gamma") || name.contains("beta") ? 4 : 1;
        for (int i = 0; i < x.length; i++) { max = Math.max(max, Math.abs(x[i])); dif = Math.max(dif, Math.abs(x[i] - y[i])); c0 = Math.max(c0, Math.abs(x[i] - start)); }
        System.out.printf("%s len %d %d max %.4f dif %.3f%% moved %.4f%n", name, x.length, y.length, max, 100 * dif / max, c0);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"stories260k, omniquant, 1, 0, true", "stories260k, spike, 2, 0.1, true", "stories260k, spike-t4, 4, 0.05, true",
      "stories260k, lwc-only, 2, 0.1, false", "tales-3m, spike, 2, 0.1, true"})
  void perplexity(String model, String run, int steps, double salient, boolean let) throws IOException {
    Safetensors golden = Golden.tensors(model + ".safetensors");
    Map<String, Object> json = Golden.json(model + ".json");
    int epochs = ((Number) json.get("epochs")).intValue();
    long began = System.nanoTime();
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.model(model), Golden.neurons())) {
      Heard heard = new Heard();
      var decoder = Quantized.decoder(checkpoint, session,
          request(steps, salient, let, epochs, Golden.windows(golden.tensor("calibration"))), heard, SpikeMode.COLLAPSED);
      double seconds = (System.nanoTime() - began) / 1e9;
      double measured = org.spikellm.model.Perplexity.measure(decoder, Golden.ids(golden.tensor("test")), 256, 40, tokens -> { }).value();
      double expected = ((Number) ((Map<?, ?>) json.get("perplexity")).get(run)).doubleValue();
      System.out.printf("%s %s ppl %.4f golden %.4f %+.2f%% in %.1f s%n", model, run, measured, expected, 100 * (measured / expected - 1), seconds);
      List<?> losses = (List<?>) ((Map<?, ?>) json.get("loss")).get(run);
      for (int i = 0; i < losses.size(); i++) {
        List<?> l = (List<?>) losses.get(i);
        if (((Number) l.get(1)).intValue() % (epochs - 1) == 0)
        System.out.printf("%s %s %s %.3f%%%n", model, run, l, 100 * (heard.losses.get(i)[2] / ((Number) l.get(2)).doubleValue() - 1));
      }
    }
  }

  private static QuantizationRequest request(int steps, double salient, boolean let, int epochs, List<int[]> windows) throws IOException {
    Registry registry = Golden.registry();
    Map<String, String> options = Map.of("epochs", "" + epochs, "let", "" + let);
    return new QuantizationRequest(new QuantizationSpec(4, 4, steps, salient, 0, 2),
        registry.find(QuantizationPipeline.class, "omniquant", options), registry.find(NeuronModel.class, "gif"),
        registry.find(SalienceDetector.class, "gradient"), windows, Long.MAX_VALUE);
  }
}
