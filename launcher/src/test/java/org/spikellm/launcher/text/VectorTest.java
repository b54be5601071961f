package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.model.Json;

/** Ids of texts that are hard to split, as llama.cpp's vocabulary tests give them. The files may not be part of this project. */
class VectorTest {

  private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

  @TempDir
  Path changed;

  @ParameterizedTest
  @ValueSource(strings = {"llama2", "llama3", "phi3"})
  void encodesEveryVector(String name) throws IOException {
    check(data(name), data(name), text -> true, 47);
  }

  /**
   * This tokenizer.json is GPT-2's with tokens added for runs of spaces and tabs, and the vectors are those of GPT-2 itself:
   * without the added tokens all of them hold, and with them those without such runs.
   */
  @Test
  void encodesEveryVectorOfGpt2() throws IOException {
    Path directory = data("gpt2");
    check(directory, directory, text -> !text.contains("  ") && !text.contains("\t\t"), 40);

    Map<String, Object> root = new LinkedHashMap<>(Json.readObject(directory.resolve("tokenizer.json")));
    root.put("added_tokens", ((List<?>) root.get("added_tokens")).subList(0, 1));
    Files.writeString(changed.resolve("tokenizer.json"), Json.write(root));
    check(directory, changed, text -> true, 47);
  }

  private static Path data(String name) {
    String data = System.getProperty("spikellm.data");
    assumeTrue(data != null, "set -Dspikellm.data=DIR, where DIR/tokenizers/" + name
        + " has a tokenizer, vectors.inp and vectors.out");
    return Path.of(data, "tokenizers", name);
  }

  private static void check(Path vectors, Path directory, Predicate<String> covered, int count) throws IOException {
    String[] texts = Files.readString(vectors.resolve("vectors.inp")).split(SEPARATOR, -1);
    String[] lines = Files.readString(vectors.resolve("vectors.out")).split("\n", -1);
    assertEquals(47, texts.length);
    assertEquals(texts.length, lines.length);
    int tried = 0;
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      for (int i = 0; i < texts.length; i++) {
        if (covered.test(texts[i])) {
          tried++;
          int[] expected = Arrays.stream(lines[i].strip().split(" +")).filter(id -> !id.isEmpty())
              .mapToInt(Integer::parseInt).toArray();
          assertArrayEquals(expected, tokenizer.encode(texts[i], false), "vector " + i + ": " + texts[i]);
          assertEquals(texts[i], tokenizer.decode(expected), "vector " + i);
          AwkwardTexts.assertStreamsAsDecoded(tokenizer, expected);
        }
      }
    }
    assertEquals(count, tried);
  }
}
