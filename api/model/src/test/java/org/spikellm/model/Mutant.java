package org.spikellm.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * Random changes to JSON and to headers: bytes replaced, flipped, inserted and deleted, numbers and other values replaced by odd
 * ones, fields doubled, deep nesting, truncation.
 */
final class Mutant {

  private static final String[] VALUES = {"-1", "0", "1", "9223372036854775807", "99999999999999999999999", "1e400", "-1e-400",
      "0.5", "3", "64", "null", "true", "\"\"", "\"x\"", "[]", "{}", "[[[[[]]]]]", "NaN", "\"F64\"", "\"I8\"", "2147483647", "65536"};

  private Mutant() {}

  /** A safetensors file whose header is changed, seldom also its length or the end of the data. */
  static byte[] safetensors(byte[] file, Random random) {
    int length = (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    byte[] header = json(Arrays.copyOfRange(file, 8, 8 + length), random);
    long said = random.nextInt(10) == 0 ? random.nextLong() >> random.nextInt(60) : header.length;
    byte[] data = Arrays.copyOfRange(file, 8 + length, file.length - (random.nextInt(10) == 0 ? random.nextInt(1000) : 0));
    return ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN)
        .putLong(said).put(header).put(data).array();
  }

  /** JSON with one to three changes. */
  static byte[] json(byte[] json, Random random) {
    byte[] changed = json.clone();
    for (int i = random.nextInt(3); i >= 0; i--) {
      changed = once(changed, random);
    }
    return changed;
  }

  private static byte[] once(byte[] json, Random random) {
    String text = new String(json, StandardCharsets.ISO_8859_1);
    int at = random.nextInt(text.length());
    String before = text.substring(0, at);
    String after = text.substring(at);
    String value = VALUES[random.nextInt(VALUES.length)];
    String changed = switch (random.nextInt(10)) {
      case 0 -> before + (char) random.nextInt(256) + after.substring(1);
      case 1 -> before + (char) (after.charAt(0) ^ 1 << random.nextInt(8)) + after.substring(1);
      case 2 -> before + (char) random.nextInt(256) + after;
      case 3 -> before + after.substring(Math.min(after.length(), 1 + random.nextInt(4)));
      case 4 -> before + "[".repeat(random.nextInt(5000)) + after;
      case 5 -> random.nextInt(4) == 0 ? before : before + after.replaceFirst("\\{", "{".repeat(1 + random.nextInt(5)));
      case 6 -> before + after.replaceFirst("(\"[^\"]*\" ?: ?[\\w.\"]+,)", "$1$1");
      case 7, 8 -> before + after.replaceFirst("(?<=[\\[:, ])[0-9.e-]+", value);
      default -> before + after.replaceFirst("(?<=: ?)(\\[[^\\]]*\\]|\"[^\"]*\"|[\\w.-]+)", value);
    };
    return changed.isEmpty() ? json : changed.getBytes(StandardCharsets.ISO_8859_1);
  }
}
