package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
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
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final String[] VALUES = {"-1", "0", "1", "9223372036854775807", "99999999999999999999999", "1e400", "-1e-400", "0.5",
      "null", "true", "\"\"", "\"x\"", "[]", "{}", "[[[[[]]]]]", "NaN", "\"F64\"", "\"I8\"", "2147483647", "65536"};

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
      Files.write(config2, header ? config : mutate(config, random));
      Files.write(tensors2, header ? mutateHeader(tensors, random) : tensors);
      outcomes.merge(opens(seed), 1, Integer::sum);
    }
    assertTrue(outcomes.getOrDefault(true, 0) > MUTANTS / 100, "too few mutants open: " + outcomes);
    assertTrue(outcomes.getOrDefault(false, 0) > MUTANTS / 3, "too few mutants are refused: " + outcomes);
  }

  /** Whether the mutant opens and runs. */
  private boolean opens(long seed) {
    return Assertions.assertTimeoutPreemptively(LIMIT, () -> {
      try (Checkpoint checkpoint = Checkpoint.open(temporary, (id, options) -> {
        throw new CheckpointException("no neuron " + id);
      }); Session session = new ReferenceBackend().open(1)) {
        Decoder decoder = Decoder.load(checkpoint, session, SpikeMode.COLLAPSED);
        decoder.nextLogits(new int[] {0}, decoder.newCache(2));
        return true;
      } catch (CheckpointException e) {
        assertTrue(e.getMessage() != null && e.getMessage().lines().count() == 1, "seed " + seed + ": message " + e.getMessage());
        return false;
      } catch (Throwable e) {
        return fail("seed " + seed + ": " + e, e);
      }
    }, "seed " + seed);
  }

  private static byte[] mutateHeader(byte[] file, Random random) {
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] header = mutate(Arrays.copyOfRange(file, 8, 8 + length), random);
    long said = random.nextInt(10) == 0 ? random.nextLong() >> random.nextInt(60) : header.length;
    byte[] data = Arrays.copyOfRange(file, 8 + length, file.length - (random.nextInt(10) == 0 ? random.nextInt(1000) : 0));
    return ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN).putLong(said).put(header).put(data).array();
  }

  private static byte[] mutate(byte[] json, Random random) {
    byte[] changed = json.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      changed = once(changed, random);
    }
    return changed;
  }

  private static byte[] once(byte[] json, Random random) {
    String text = new String(json, StandardCharsets.ISO_8859_1);
    int at = random.nextInt(text.length());
    String changed = switch (random.nextInt(7)) {
      case 0 -> text.substring(0, at) + (char) random.nextInt(256) + text.substring(at + 1);
      case 1 -> text.substring(0, at) + text.substring(Math.min(text.length(), at + 1 + random.nextInt(4)));
      case 2 -> text.substring(0, at) + "[".repeat(random.nextInt(5000)) + text.substring(at);
      case 3 -> text.substring(0, at);
      case 4 -> {
        int colon = text.indexOf(':', at);
        int end = colon < 0 ? -1 : text.indexOf(',', colon);
        yield end < 0 ? text : text.substring(0, colon + 1) + text.substring(end, Math.min(text.length(), end + 60)) + text.substring(end);
      }
      default -> {
        int colon = text.indexOf(':', at);
        int end = colon < 0 ? -1 : text.indexOf(',', colon);
        yield end < 0 ? text : text.substring(0, colon + 1) + VALUES[random.nextInt(VALUES.length)] + text.substring(end);
      }
    };
    return changed.isEmpty() ? json : changed.getBytes(StandardCharsets.ISO_8859_1);
  }
}
