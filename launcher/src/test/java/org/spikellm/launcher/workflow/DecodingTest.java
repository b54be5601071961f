package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.Json;
import org.spikellm.model.KvCache;
import org.spikellm.model.LinearObserver;
import org.spikellm.model.SpikeMode;

/** Decoding through the cache, step by step, and greedily. */
class DecodingTest {

  private static final int[] PROMPTS = {1, 2, 7, 200};
  private static final long SEED = 7;

  @Test
  void tokenByTokenGivesTheFloatLogitsOfTheFullPass() throws IOException {
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      Decoder decoder = Decoder.load(checkpoint, session, SpikeMode.COLLAPSED);
      for (int length : PROMPTS) {
        int[] ids = ids(length, checkpoint);
        Tensor full = logits(decoder, ids, ids.length);
        Tensor single = logits(decoder, ids, 1);
        float largest = 0;
        float difference = 0;
        for (int r = 0; r < full.rows(); r++) {
          for (int c = 0; c < full.columns(); c++) {
            largest = Math.max(largest, Math.abs(full.getFloat(r, c)));
            difference = Math.max(difference, Math.abs(full.getFloat(r, c) - single.getFloat(r, c)));
          }
        }
        assertTrue(difference <= 1e-4 * largest, length + " tokens: largest difference " + difference + " of " + largest);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gif", "lif", "ternary-gif"})
  void tokenByTokenGivesTheSpikesOfTheFullPass(String neuron) throws IOException {
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      Decoder decoder = Quantized.tales(checkpoint, session, neuron, SpikeMode.COLLAPSED);
      for (int length : PROMPTS) {
        int[] ids = ids(length, checkpoint);
        assertArrayEquals(hidden(decoder, ids, ids.length), hidden(decoder, ids, 1), neuron + ", " + length + " tokens, seed " + SEED);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gif", "if", "ternary-gif"})
  void everyTimeStepThroughTheNeuronsGivesTheCollapsedIntegers(String neuron) throws IOException {
    try (Session session = Golden.session(); Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      Decoder collapsed = Quantized.tales(checkpoint, session, neuron, SpikeMode.COLLAPSED);
      Decoder stepped = Quantized.tales(checkpoint, session, neuron, SpikeMode.STEP_BY_STEP);
      int[] ids = ids(40, checkpoint);
      LayerCost counts = new LayerCost();
      LayerCost spikes = new LayerCost();
      collapsed.observe(block -> counting(counts, checkpoint));
      stepped.observe(block -> counting(spikes, checkpoint));
      assertArrayEquals(hidden(collapsed, ids, ids.length), hidden(stepped, ids, ids.length), neuron + ", seed " + SEED);
      assertEquals(counts.spikes(), spikes.spikes(), "spikes");
      assertEquals(counts.accumulates(), spikes.accumulates(), "accumulates");
      assertTrue(spikes.spikes() > 0);
    }
  }

  /** Adds up what all layers do, as if each spike were added once for each output channel. */
  private static LinearObserver counting(LayerCost cost, Checkpoint checkpoint) {
    return (projection, tokens, train, encoding) -> cost.add(new LayerWork(checkpoint.config().block().rows(projection),
        IntStream.range(0, train.order().classes()).mapToObj(c -> new LayerWork.ClassWork(train.order().end(c) - train.order().start(c), 4, 1,
            null, 1)).toList(), true, 0), tokens, train, encoding);
  }

  @Test
  void stories260kContinuesGreedilyAsTheIndependentImplementation() throws IOException {
    Object golden = Json.parse(Files.readAllBytes(Golden.DIRECTORY.resolve("stories260k-greedy.json")), "greedy");
    try (LoadedModel model = LoadedModel.open(Golden.model("stories260k"), new Registry(List.of(), Map.of()), "auto", 2,
        SpikeMode.COLLAPSED)) {
      for (Object element : (List<?>) golden) {
        Map<?, ?> expected = (Map<?, ?>) element;
        int[] prompt = ints(expected.get("prompt_ids"));
        int[] ids = ints(expected.get("ids"));
        assertArrayEquals(prompt, model.tokenizer().encode(String.valueOf(expected.get("prompt")), true));
        SamplingOptions greedy = new SamplingOptions(0, 0, 1, 0, 1, 0, ids.length, List.of());
        Generation found = Generation.run(model, prompt, prompt, model.decoder().newCache(prompt.length + ids.length), greedy,
            new Sampler(greedy), text -> { });
        assertArrayEquals(ids, found.tokens(), "continuation of " + expected.get("prompt"));
      }
    }
  }

  private static int[] ints(Object list) {
    return ((List<?>) list).stream().mapToInt(id -> ((Long) id).intValue()).toArray();
  }

  private static int[] ids(int length, Checkpoint checkpoint) {
    return new Random(SEED + length).ints(length, 3, checkpoint.config().vocabulary()).toArray();
  }

  /** Final hidden states, run {@code step} tokens at a time, as bits. */
  private static int[] hidden(Decoder decoder, int[] ids, int step) {
    KvCache cache = decoder.newCache(ids.length);
    return Arrays.stream(pieces(ids, step)).flatMapToInt(piece -> {
      int[][] bits = new int[1][];
      decoder.forward(piece, cache, (first, hidden) -> {
        float[] values = hidden.toFloats();
        bits[0] = new int[values.length];
        for (int i = 0; i < values.length; i++) {
          bits[0][i] = Float.floatToIntBits(values[i]);
        }
      });
      return Arrays.stream(bits[0]);
    }).toArray();
  }

  private static Tensor logits(Decoder decoder, int[] ids, int step) {
    Tensor logits = Tensor.allocate(DType.F32, ids.length, decoder.config().vocabulary());
    KvCache cache = decoder.newCache(ids.length);
    int[] at = new int[1];
    for (int[] piece : pieces(ids, step)) {
      decoder.forward(piece, cache, (first, hidden) -> {
        logits.rows(at[0], at[0] + hidden.rows()).segment().copyFrom(decoder.logits(hidden).segment());
        at[0] += hidden.rows();
      });
    }
    return logits;
  }

  private static int[][] pieces(int[] ids, int step) {
    int[][] pieces = new int[(ids.length + step - 1) / step][];
    for (int i = 0; i < pieces.length; i++) {
      pieces[i] = Arrays.copyOfRange(ids, i * step, Math.min(ids.length, (i + 1) * step));
    }
    return pieces;
  }
}
