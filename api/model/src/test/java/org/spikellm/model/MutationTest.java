package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;

/**
 * Checkpoints whose headers and JSON were changed at random: each opens and runs, or is refused by a {@link CheckpointException};
 * none crashes, hangs or exhausts the memory. Seeds count up from a fixed one, and a failure prints its own.
 */
class MutationTest {

  private static final Path MODEL = Path.of("src/test/resources/tiny");
  private static final long FIRST_SEED = 20_000;
  private static final int MUTANTS = 1500;
  private static final int PACKED_MUTANTS = 1500;
  private static final int SHOWN = 20_000;
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir
  private Path temporary;

  @Test
  void mutantsRunOrAreRefused() throws IOException {
    Map<Boolean, Integer> outcomes = new HashMap<>();
    byte[] config = Files.readAllBytes(MODEL.resolve("config.json"));
    byte[] tensors = Files.readAllBytes(MODEL.resolve("model.safetensors"));
    Path config2 = temporary.resolve("config.json");
    Path tensors2 = temporary.resolve("model.safetensors");
    for (long seed = FIRST_SEED; seed < FIRST_SEED + MUTANTS; seed++) {
      Random random = new Random(seed);
      boolean header = random.nextBoolean();
      byte[] mutant = header ? Mutant.safetensors(tensors, random) : Mutant.json(config, random);
      Files.write(config2, header ? config : mutant);
      Files.write(tensors2, header ? mutant : tensors);
      outcomes.merge(opens(temporary, "seed " + seed, mutant), 1, Integer::sum);
    }
    assertBoth(outcomes, MUTANTS);
  }

  /** Every file of a packed checkpoint in turn: config.json with how it was quantized, the index, the shards' headers. */
  @Test
  void packedMutantsRunOrAreRefused() throws IOException {
    Path directory = PackedTiny.write(temporary.resolve("packed"), 4, 4, 32, 8);
    List<Path> files;
    try (Stream<Path> list = Files.list(directory)) {
      files = list.filter(file -> !file.endsWith("measured.json")).sorted().toList();  // which no reader of a model opens
    }
    assertEquals(5, files.size(), "config.json, the index and three shards");
    Map<Boolean, Integer> outcomes = new HashMap<>();
    for (long seed = FIRST_SEED; seed < FIRST_SEED + PACKED_MUTANTS; seed++) {
      Path file = files.get((int) (seed % files.size()));
      byte[] whole = Files.readAllBytes(file);
      Random random = new Random(seed);
      byte[] mutant = file.toString().endsWith(".json") ? Mutant.json(whole, random) : Mutant.safetensors(whole, random);
      Files.write(file, mutant);
      outcomes.merge(opens(directory, "seed " + seed, mutant), 1, Integer::sum);
      Files.write(file, whole);
    }
    assertBoth(outcomes, PACKED_MUTANTS);
    assertTrue(opens(directory, "no mutant", new byte[0]), "the checkpoint that was not changed");
  }

  private static void assertBoth(Map<Boolean, Integer> outcomes, int mutants) {
    assertTrue(outcomes.getOrDefault(true, 0) > mutants / 100, "too few mutants open: " + outcomes);
    assertTrue(outcomes.getOrDefault(false, 0) > mutants / 3, "too few mutants are refused: " + outcomes);
  }

  /** Whether the mutant opens and runs. */
  private static boolean opens(Path directory, String seed, byte[] mutant) {
    return Assertions.assertTimeoutPreemptively(LIMIT, () -> {
      try (Checkpoint checkpoint = Checkpoint.open(directory, PackedTiny.NEURONS);
          Session session = new ReferenceBackend().open(1)) {
        checkpoint.block(0);
        Decoder decoder = Decoder.load(checkpoint, session, SpikeMode.COLLAPSED);
        decoder.nextLogits(new int[] {0}, decoder.newCache(2));
        return true;
      } catch (CheckpointException e) {
        assertTrue(e.getMessage() != null && e.getMessage().lines().count() == 1, seed + ": message " + e.getMessage());
        return false;
      } catch (Throwable e) {
        return fail(seed + ": " + e + " from " + text(mutant), e);
      }
    }, () -> seed + ": no end within the time for " + text(mutant));
  }

  private static String text(byte[] mutant) {
    return new String(mutant, 0, Math.min(mutant.length, SHOWN), StandardCharsets.ISO_8859_1);
  }
}
