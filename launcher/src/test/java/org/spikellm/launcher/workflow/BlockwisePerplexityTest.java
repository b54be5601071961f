package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Perplexity;
import org.spikellm.model.SpikeMode;

/** Block by block a model has the perplexity that it has as a whole. */
class BlockwisePerplexityTest {

  /** Logits come in other batches, whose sums over 192 products may round differently; spikes do not enter the head. */
  private static final double TOLERANCE = 1e-5;

  @TempDir
  private Path temporary;

  private static Perplexity blockwise(Path model, Path text, int sequence, int limit) throws IOException {
    return new BlockwisePerplexity(Golden.registry(), Golden.registry().backend("auto"), 2, Progress.NONE)
        .measure(model, text, sequence, limit);
  }

  private static void assertSameAsWhole(Path directory) throws IOException {
    Path text = Home.evaluationText();
    Perplexity found = blockwise(directory, text, 100, 3);
    try (LoadedModel model = LoadedModel.open(directory, Golden.registry(), "auto", 2, SpikeMode.COLLAPSED)) {
      Perplexity whole = Evaluation.perplexity(model, Evaluation.tokens(model, List.of(text)), 100, 3, Progress.NONE).get(text.toString());
      assertEquals(whole.value(), found.value(), whole.value() * TOLERANCE);
      assertEquals(List.of(3, 100, 300L), List.of(found.windows(), found.sequence(), found.tokens()));
      assertEquals(whole.windows(), found.windows());
    }
  }

  @Test
  void ofAFloatModel() throws IOException {
    assertSameAsWhole(Golden.TALES);
  }

  @Test
  void ofASpikingModel() throws IOException {
    Path out = temporary.resolve("out");
    QuantizeOptions options = new QuantizeOptions("rtn", "gif", "gradient", new QuantizationSpec(4, 4, 2, 0.1, 0, 2),
        QuantizationSpec.FLOAT_BITS, null, 2, 24, Long.MAX_VALUE, true);
    new Quantization(Golden.registry(), options, Progress.NONE).run(Golden.TALES, out, "auto", 2);
    assertSameAsWhole(out);
    double before = blockwise(Golden.TALES, Home.evaluationText(), 100, 3).value();
    assertTrue(blockwise(out, Home.evaluationText(), 100, 3).value() > before, "four bits cost something");
  }

  @Test
  void aWindowIsAtMostTheTextAndTheModelsLimit() throws IOException {
    Path text = Files.writeString(temporary.resolve("short.txt"), "Once upon a time there was a king.");
    Perplexity all = blockwise(Golden.TALES, text, 4096, 9);
    assertEquals(1, all.windows());
    assertTrue(all.sequence() > 4 && all.sequence() < 40, all.toString());
    assertEquals(512, blockwise(Golden.TALES, Home.evaluationText(), 4096, 1).sequence(), "the model's context");
    Path tiny = Files.writeString(temporary.resolve("blank.txt"), " ");
    assertThrows(CheckpointException.class, () -> blockwise(Golden.TALES, tiny, 16, 1));
  }
}
