package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.model.CheckpointException;

/** What cannot be used is refused in one line that names the file. */
class TokenizerErrorTest {

  private static final Path TALES = Path.of("src", "main", "models", "tales-3m");

  @TempDir
  Path directory;

  @Test
  void noTokenizer() {
    assertRefused("", "no tokenizer: expected tokenizer.json or tokenizer.model");
  }

  @Test
  void damagedJson() throws IOException {
    String whole = Files.readString(TALES.resolve("tokenizer.json"));
    for (int length : new int[] {0, 1, 100, whole.length() / 2, whole.length() - 2}) {
      assertRefused("tokenizer.json", whole.substring(0, length), "JSON");
    }
    assertRefused("tokenizer.json", "these are not the tokens", "not JSON");
    assertRefused("tokenizer.json", "[]", "expected a JSON object");
    assertRefused("tokenizer.json", "{}", "'model'");
    assertRefused("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": -1}}}", "found -1");
    assertRefused("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 1e12}}}", "expected token ids");
    assertRefused("tokenizer.json", "{\"model\": {\"vocab\": {\"a\": 0}}, \"added_tokens\": [3]}", "'added_tokens'");
    assertRefused("tokenizer.json", "{\"version\": \"1.0\", \"model\": {\"type\": \"Odd\", \"vocab\": {\"a\": 0}}}",
        "not a usable tokenizer");
    Files.write(directory.resolve("tokenizer.json"), new byte[] {'{', (byte) 0xFF, '}'});
    assertRefused("tokenizer.json", "UTF-8");
  }

  @Test
  void aDirectoryInTheFilesPlace() throws IOException {
    Files.createDirectory(directory.resolve("tokenizer.json"));
    assertRefused("tokenizer.json", "cannot be read");
  }

  @Test
  void damagedSentencePieceModel() throws IOException {
    byte[] whole = Files.readAllBytes(TALES.resolve("tokenizer.model"));
    for (int length : new int[] {0, 1, 7, 1000, whole.length / 2, whole.length - 1}) {
      assertRefused("tokenizer.model", Arrays.copyOf(whole, length), "SentencePiece model");
    }
    assertRefused("tokenizer.model", "garbage in a file of text".getBytes(StandardCharsets.UTF_8), "SentencePiece model");
    byte[] noise = new byte[5000];
    new Random(1).nextBytes(noise);
    assertRefused("tokenizer.model", noise, "SentencePiece model");
  }

  @Test
  void otherKindsOfSentencePieceModels() throws IOException {
    byte[] piece = message(0x0A, "a".getBytes(StandardCharsets.UTF_8));
    byte[] model = message(0x0A, piece);
    byte[] unigram = concat(model, message(0x12, new byte[] {0x18, 1}));
    byte[] bytePairs = concat(model, message(0x12, new byte[] {0x18, 2}));
    assertRefused("tokenizer.model", unigram, "algorithm unigram");
    assertRefused("tokenizer.model", model, "algorithm unigram");
    assertRefused("tokenizer.model", concat(bytePairs, model), "occurs twice");
    assertRefused("tokenizer.model", concat(bytePairs, message(0x1A, message(0x12, new byte[] {1, 2}))), "substitutions");
    assertRefused("tokenizer.model", concat(bytePairs, message(0x1A, new byte[] {0x28, 0})), "unescaped spaces");
  }

  @Test
  void damagedRanks() throws IOException {
    assertRefused("tokenizer.model", "IQ== 0\nIg== 1\n".getBytes(StandardCharsets.US_ASCII), "2 tiktoken ranks");
    assertRefused("tokenizer.model", "IQ== 0\nIg== 2\n".getBytes(StandardCharsets.US_ASCII), "line 2");
    assertRefused("tokenizer.model", "IQ== 0\n!!!\n".getBytes(StandardCharsets.US_ASCII), "line 2");
  }

  @Test
  void mutatedFilesAreReadOrRefused() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (String name : new String[] {"tokenizer.model", "tokenizer.json"}) {
      byte[] whole = Files.readAllBytes(TALES.resolve(name));
      for (int round = 0; round < 40; round++) {
        byte[] mutated = whole.clone();
        for (int i = random.nextInt(1, 6); i > 0; i--) {
          mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
        }
        Files.write(directory.resolve(name), mutated);
        try (Tokenizer tokenizer = Tokenizer.open(directory)) {
          tokenizer.decode(tokenizer.encode("Once upon a time", true));
        } catch (UncheckedIOException | CheckpointException unusable) {
          Exception e = unusable instanceof UncheckedIOException unchecked ? unchecked.getCause() : unusable;
          assertTrue(e.getMessage().startsWith(directory.toString()), () -> "seed " + seed + ": " + e.getMessage());
          assertEquals(1, e.getMessage().lines().count(), () -> "seed " + seed + ": " + e.getMessage());
        }
      }
      Files.delete(directory.resolve(name));
    }
  }

  @Test
  void doesNotFitTheVocabulary() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(TALES)) {
      tokenizer.requireFits(2048);
      tokenizer.requireFits(32_000);
      String message = assertThrows(CheckpointException.class, () -> tokenizer.requireFits(2047)).getMessage();
      assertTrue(message.contains("up to 2047, expected below 2047"), message);
    }
    Files.copy(TALES.resolve("tokenizer.json"), directory.resolve("tokenizer.json"));
    Files.writeString(directory.resolve("config.json"), "{\"eos_token_id\": 128001}");
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      String message = assertThrows(CheckpointException.class, () -> tokenizer.requireFits(2048)).getMessage();
      assertTrue(message.contains("eos_token_id is 128001"), message);
    }
  }

  private void assertRefused(String file, String content, String expected) throws IOException {
    assertRefused(file, content.getBytes(StandardCharsets.UTF_8), expected);
  }

  private void assertRefused(String file, byte[] content, String expected) throws IOException {
    Files.write(directory.resolve(file), content);
    assertRefused(file, expected);
  }

  private void assertRefused(String file, String expected) {
    String message = assertThrows(CheckpointException.class, () -> Tokenizer.open(directory).close()).getMessage();
    assertTrue(message.contains(expected), message);
    assertTrue(message.startsWith(directory.resolve(file).toString()), message);
    assertEquals(1, message.lines().count(), message);
  }

  /** A protobuf field with a length of one byte. */
  private static byte[] message(int tag, byte[] content) {
    return concat(new byte[] {(byte) tag, (byte) content.length}, content);
  }

  private static byte[] concat(byte[]... parts) {
    var out = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      out.writeBytes(part);
    }
    return out.toByteArray();
  }
}
