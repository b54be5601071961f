package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.model.Json;

/** The tokenizer of tales-3m, which exists in both formats: tokenizer.json and a SentencePiece model. */
class TokenizerTest {

  private static final Path TALES = Path.of("src", "main", "models", "tales-3m");

  @TempDir
  static Path directory;
  private static Tokenizer json;
  private static Tokenizer model;

  @BeforeAll
  static void open() throws IOException {
    json = Tokenizer.open(TALES);
    Files.copy(TALES.resolve("tokenizer.model"), directory.resolve("tokenizer.model"));
    model = Tokenizer.open(directory);
  }

  @AfterAll
  static void close() {
    json.close();
    model.close();
  }

  @Test
  void bothFormatsGiveTheSameIds() throws IOException {
    for (String file : List.of("calibration.txt", "evaluation.txt")) {
      String text = Files.readString(TALES.resolve(file));
      int[] ids = json.encode(text, true);
      assertTrue(ids.length > 1000, file);
      assertArrayEquals(ids, model.encode(text, true), file);
      assertEquals(text, json.decode(ids));
      assertEquals(text, model.decode(ids));
    }
    AwkwardTexts.all().forEach(text -> assertArrayEquals(json.encode(text, false), model.encode(text, false), text));
  }

  @Test
  void awkwardTextsComeBack() {
    AwkwardTexts.all().forEach(text -> {
      for (Tokenizer tokenizer : List.of(json, model)) {
        // U+2581 is SentencePiece's sign for a space: nobody can tell them apart afterwards.
        assertEquals(text.replace('\u2581', ' '), tokenizer.decode(tokenizer.encode(text, false)));
        AwkwardTexts.assertStreamsAsDecoded(tokenizer, tokenizer.encode(text, true));
      }
    });
    assertArrayEquals(json.encode("x\uFFFDy", false), json.encode("x\uD83Dy", false));
    assertArrayEquals(json.encode("\uFFFD\uFFFD", false), json.encode("\uDE36\uD83D", false));
  }

  @Test
  void streamGoesOnFromAPrompt() {
    for (String text : List.of("Once upon a time there was a 🦙 here", " two  spaces", "a\n b")) {
      int[] ids = json.encode(text, true);
      for (int cut = 0; cut <= ids.length; cut++) {
        int[] prompt = Arrays.copyOf(ids, cut);
        TokenStream stream = json.stream(prompt);
        StringBuilder out = new StringBuilder();
        TokenStream alone = json.stream();
        for (int id : prompt) {
          out.append(alone.accept(id));
        }
        for (int id : Arrays.copyOfRange(ids, cut, ids.length)) {
          out.append(stream.accept(id));
        }
        assertEquals(text, out.append(stream.flush()).toString(), "cut after " + cut);
      }
    }
  }

  @Test
  void bytesThatAreNoCharactersDoNotSwallowCharacters() {
    int[] wo = bytes(0xE6, 0x88, 0x91);                       // U+6211
    assertEquals("我", json.decode(wo));
    assertEquals("\uFFFD我", json.decode(concat(bytes(0xFF), wo)));
    assertEquals("\uFFFD\uFFFD我", json.decode(concat(bytes(0xFF, 0x80), wo)));
    assertEquals("我\uFFFD", json.decode(concat(wo, bytes(0xE6))));
    assertEquals("\uFFFD\uFFFD a", json.decode(concat(bytes(0xF0, 0x9F), json.encode("a", false))));
  }

  @Test
  void anyIdsStreamAsTheyDecode() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 200; round++) {
      // Half of them bytes: most runs are no UTF-8.
      int[] ids = random.ints(random.nextInt(1, 24), 0, json.vocabularySize())
          .map(id -> id % 2 == 0 ? id : 3 + id % 256).toArray();
      StringBuilder streamed = new StringBuilder();
      TokenStream stream = json.stream();
      for (int id : ids) {
        streamed.append(stream.accept(id));
      }
      assertEquals(json.decode(ids), streamed.append(stream.flush()).toString(), "seed " + seed + ", " + Arrays.toString(ids));
    }
  }

  @Test
  void specialTokens() {
    for (Tokenizer tokenizer : List.of(json, model)) {
      assertEquals(2048, tokenizer.vocabularySize());
      assertEquals(OptionalInt.of(1), tokenizer.bos());
      assertEquals(Set.of(2), tokenizer.eos());
      assertTrue(tokenizer.addsBos());
      assertEquals(OptionalInt.of(2), tokenizer.id("</s>"));
      assertEquals(OptionalInt.empty(), tokenizer.id("</p>"));
      assertEquals("<s>", tokenizer.text(1));
      assertTrue(tokenizer.isSpecial(0) && tokenizer.isSpecial(1) && tokenizer.isSpecial(2));
      assertFalse(tokenizer.isSpecial(3));

      int[] plain = tokenizer.encode("a", false);
      assertArrayEquals(concat(new int[] {1}, plain), tokenizer.encode("a", true));
      assertArrayEquals(new int[] {1}, tokenizer.encode("", true));
      assertArrayEquals(concat(new int[] {1, 1}, plain, new int[] {2}), tokenizer.encode("<s>a</s>", true));
      assertEquals("a", tokenizer.decode(concat(new int[] {1}, plain, new int[] {2})));
      assertEquals("", tokenizer.decode(1, 2, 0, 99_999));
    }
  }

  @Test
  void settingsOfATokenizerFileDoNotCutTextsOff(@TempDir Path other) throws IOException {
    var root = new LinkedHashMap<>(Json.readObject(TALES.resolve("tokenizer.json")));
    root.put("truncation", Map.of("direction", "Right", "max_length", 8, "strategy", "LongestFirst", "stride", 0));
    root.put("padding", Map.of("strategy", Map.of("Fixed", 64), "direction", "Right", "pad_to_multiple_of", 8,
        "pad_id", 0, "pad_type_id", 0, "pad_token", "<unk>"));
    Files.writeString(other.resolve("tokenizer.json"), Json.write(root));
    try (Tokenizer tokenizer = Tokenizer.open(other)) {
      String text = "Once upon a time there was a king who had three sons.";
      assertTrue(json.encode(text, false).length > 8);
      assertArrayEquals(json.encode(text, false), tokenizer.encode(text, false));
    }
  }

  @Test
  void theFilesBesideItNameTheEnds(@TempDir Path other) throws IOException {
    Files.copy(TALES.resolve("tokenizer.json"), other.resolve("tokenizer.json"));
    Files.writeString(other.resolve("config.json"), "{\"bos_token_id\": 7, \"eos_token_id\": 8}");
    Files.writeString(other.resolve("generation_config.json"), "{\"eos_token_id\": [9, 10]}");
    Files.writeString(other.resolve("tokenizer_config.json"),
        "{\"eos_token\": {\"content\": \"</s>\"}, \"add_bos_token\": false}");
    try (Tokenizer tokenizer = Tokenizer.open(other)) {
      assertEquals(OptionalInt.of(7), tokenizer.bos());
      assertEquals(Set.of(2, 8, 9, 10), tokenizer.eos());
      assertFalse(tokenizer.addsBos());
    }
    Files.writeString(other.resolve("tokenizer_config.json"), "{\"bos_token\": null}");
    try (Tokenizer tokenizer = Tokenizer.open(other)) {
      assertEquals(OptionalInt.empty(), tokenizer.bos());
      assertFalse(tokenizer.addsBos());
      assertArrayEquals(tokenizer.encode("a", false), tokenizer.encode("a", true));
    }
  }

  @Test
  void filesBesideASentencePieceModelAddTokens(@TempDir Path other) throws IOException {
    Files.copy(TALES.resolve("tokenizer.model"), other.resolve("tokenizer.model"));
    Files.writeString(other.resolve("added_tokens.json"), "{\"<|turn|>\": 2048}");
    Files.writeString(other.resolve("tokenizer_config.json"),
        "{\"added_tokens_decoder\": {\"2\": {\"content\": \"</s>\", \"special\": true},"
        + " \"2049\": {\"content\": \"<|end|>\", \"special\": true}}}");
    try (Tokenizer tokenizer = Tokenizer.open(other)) {
      assertEquals(2050, tokenizer.vocabularySize());
      assertArrayEquals(concat(new int[] {2048}, json.encode("a", false), new int[] {2049}),
          tokenizer.encode("<|turn|>a<|end|>", false));
    }
  }

  @Test
  void aSentencePieceModelMayTrimSpaces(@TempDir Path other) throws IOException {
    byte[] trimming = Files.readAllBytes(TALES.resolve("tokenizer.model"));
    int last = trimming.length - 1;
    assertArrayEquals(new byte[] {0x18, 1, 0x20, 0}, Arrays.copyOfRange(trimming, last - 3, last + 1));
    trimming[last] = 1;                                       // NormalizerSpec.remove_extra_whitespaces
    Files.write(other.resolve("tokenizer.model"), trimming);
    try (Tokenizer tokenizer = Tokenizer.open(other)) {
      assertArrayEquals(json.encode("a b\n c", false), tokenizer.encode("  a   b\n c ", false));
      assertArrayEquals(new int[0], tokenizer.encode("   ", false));
    }
  }

  @Test
  void severalThreadsShareOne() {
    String text = "There was once a king's son who went out into the wide world. ".repeat(20);
    int[] expected = json.encode(text, true);
    List<int[]> found = IntStream.range(0, 64).parallel().mapToObj(i -> json.encode(text, true)).toList();
    found.forEach(ids -> assertArrayEquals(expected, ids));
  }

  private static int[] bytes(int... values) {
    return Arrays.stream(values).map(value -> 3 + value).toArray();     // tales-3m: <0x00> is id 3
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }
}
