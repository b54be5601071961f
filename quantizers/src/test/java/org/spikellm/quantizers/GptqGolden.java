package org.spikellm.quantizers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.spikellm.api.LinearWeight;
import org.spikellm.api.PartlyBinaryWeight;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.HessianFactor;
import org.spikellm.model.Safetensors;
import org.spikellm.quantizers.gptq.Layer;
import org.spikellm.quantizers.gptq.LayerQuantizer;

/**
 * One layer and its inputs, and what an independent implementation makes of it: {@code gptq.w} [40, 300], {@code gptq.x} [500, 300], five
 * sequences of which, one channel dead, {@code gptq.h}, {@code gptq.u} and results.
 */
public final class GptqGolden {

  private static final Safetensors FILE = open();

  private GptqGolden() {}

  private static Safetensors open() {
    try {
      return Safetensors.open(Path.of("src/test/resources/golden/gptq.safetensors"), Arena.ofAuto());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A copy of {@code gptq.NAME}. */
  public static Tensor tensor(String name) {
    try {
      return FILE.tensor("gptq." + name).toF32();
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What {@code quantizer} makes of the layer. */
  public static LinearWeight quantize(LayerQuantizer quantizer) {
    try (Session session = new ReferenceBackend().open(2)) {
      HessianFactor factor = HessianFactor.of(tensor("h"), 0.01, session, attempt -> { }).invert();
      return quantizer.quantize(new Layer(tensor("w"), IntStream.range(0, 300).toArray(), factor, null, session)).weight();
    }
  }

  /** The values a quantized weight stands for. */
  public static float[] values(LinearWeight weight) {
    return switch (weight) {
      case QuantizedWeight codes -> codes.dequantize().toFloats();
      case PartlyBinaryWeight binary -> binary.dequantize().toFloats();
      default -> throw new AssertionError(weight);
    };
  }

  /**
   * Fails unless 99.9 % of the weights are those of {@code gptq.NAME}, and the output error, Σ (x (Q − W)ᵀ)², is within 1 % of {@code error}.
   *
   * @param digits relative difference at which two weights still are the same
   */
  public static void check(LinearWeight weight, String name, double error, double digits) {
    float[] found = values(weight);
    float[] expected = tensor(name).toFloats();
    int equal = 0;
    for (int i = 0; i < expected.length; i++) {
      equal += Math.abs(found[i] - expected[i]) <= digits * Math.abs(expected[i]) + 1e-7 ? 1 : 0;
    }
    double share = (double) equal / expected.length;
    assertTrue(share >= 0.999, name + ": " + share + " of the weights are golden's, expected 0.999");
    assertEquals(error, outputError(found), 0.01 * error, name + ": squared error of the output");
  }

  /** Σ (x (Q − W)ᵀ)². */
  public static double outputError(float[] values) {
    Tensor x = tensor("x");
    Tensor w = tensor("w");
    double sum = 0;
    for (int t = 0; t < x.rows(); t++) {
      for (int r = 0; r < w.rows(); r++) {
        double y = 0;
        for (int j = 0; j < w.columns(); j++) {
          y += (double) x.getFloat(t, j) * (values[r * w.columns() + j] - w.getFloat(r, j));
        }
        sum += y * y;
      }
    }
    return sum;
  }
}
