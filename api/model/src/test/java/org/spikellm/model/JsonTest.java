package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {

  @TempDir
  private Path temporary;

  private static Object parse(String text) throws CheckpointException {
    return Json.parse(text.getBytes(StandardCharsets.UTF_8), "here.json");
  }

  private static Object random(Random random, int depth) {
    return switch (random.nextInt(depth > 4 ? 5 : 7)) {
      case 0 -> random.nextLong();
      case 1 -> Double.longBitsToDouble(random.nextLong() & 0xbfffffffffffffffL | 0x2000000000000000L);
      case 2 -> random.nextBoolean();
      case 3 -> null;
      case 4 -> random.ints(random.nextInt(9), 0, Character.MAX_CODE_POINT + 1).filter(c -> c < 0xd800 || c > 0xdfff)
          .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
      case 5 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          list.add(random(random, depth + 1));
        }
        yield list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) {
          map.put("k\"\n" + random.nextInt(100), random(random, depth + 1));
        }
        yield map;
      }
    };
  }

  @Test
  void whatIsWrittenIsReadBack() throws CheckpointException {
    for (long seed = 0; seed < 500; seed++) {
      Object value = random(new Random(seed), 0);
      assertEquals(value, parse(Json.write(value)), "seed " + seed);
      assertEquals(value, parse(Json.writePretty(value)), "seed " + seed);
    }
  }

  @Test
  void orderIsKept() throws CheckpointException {
    assertEquals("{\"z\":1,\"a\":[2,{}],\"m\":null}", Json.write(parse("{\"z\": 1, \"a\": [2, {}], \"m\": null}")));
  }

  @Test
  void listsOfSomeNamesArePassedOver() throws CheckpointException {
    String text = "{\"many\": 1, \"a\": {\"many\": [{}, [2]], \"b\": [{\"many\": []}]}, \"c\": [3]}";
    Map<String, Object> found = Json.parseObject(text.getBytes(StandardCharsets.UTF_8), "x", Set.of("many"));
    assertEquals("{\"many\":1,\"a\":{\"b\":[{}]},\"c\":[3]}", Json.write(found));
    byte[] damaged = "{\"many\": [{\"a\" 1}]}".getBytes(StandardCharsets.UTF_8);
    assertThrows(CheckpointException.class, () -> Json.parseObject(damaged, "x", Set.of("many")));
  }

  @Test
  void numbers() throws CheckpointException {
    assertEquals(Arrays.asList(Long.MAX_VALUE, Long.MIN_VALUE, 9.223372036854775808e18, -0.5, Double.POSITIVE_INFINITY),
        parse("[9223372036854775807, -9223372036854775808, 9223372036854775808, -5e-1, 1e400]"));
    assertEquals("[null,null,1.5,[1,2]]", Json.write(List.of(Double.NaN, Float.NEGATIVE_INFINITY, 1.5, new int[] {1, 2})));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\": 1, \"a\": 2}", "NaN", "[Infinity]", "tru", "1 2", "{} {}",
      "'a'", "\"\n\"", "// no\n1", "01", "\uFEFF", "[1e]"})
  void whatIsNotJsonIsRefusedInOneLine(String text) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> parse(text));
    assertTrue(e.getMessage().startsWith("here.json: "), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void aPointerOfGitIsCalledOne() {
    CheckpointException e = assertThrows(CheckpointException.class,
        () -> parse("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"));
    assertTrue(e.getMessage().contains("a git-lfs pointer in place of the file"), e.getMessage());
  }

  @Test
  void bombsAreRefused() {
    for (String bomb : new String[] {"[".repeat(1_000_000), "{\"a\":".repeat(100_000), "9".repeat(1_000_000),
        "1e" + "9".repeat(5000)}) {
      assertThrows(CheckpointException.class, () -> parse(bomb), bomb.substring(0, 5));
    }
  }

  @Test
  void bytesThatAreNoTextAreRefused() throws IOException {
    for (int b = 0x80; b < 0x100; b++) {
      byte[] bytes = {'"', (byte) b, '"'};
      assertThrows(CheckpointException.class, () -> Json.parse(bytes, "x"), Integer.toHexString(b));
    }
    Path file = temporary.resolve("gone.json");
    CheckpointException gone = assertThrows(CheckpointException.class, () -> Json.readObject(file));
    assertTrue(gone.getMessage().contains("gone.json: not found"), gone.getMessage());
    CheckpointException e = assertThrows(CheckpointException.class, () -> Json.readObject(Files.createDirectory(file)));
    assertTrue(e.getMessage().contains("gone.json"), e.getMessage());
  }
}
