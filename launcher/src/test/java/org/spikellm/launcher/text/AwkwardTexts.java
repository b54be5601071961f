package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.Stream;

/** Texts that tokenizers and their streams trip over. */
final class AwkwardTexts {

  private AwkwardTexts() {}

  static Stream<String> all() {
    return Stream.of("", " ", "  ", "   x", "x   ", "\n", "\n\n", "\t", "\r\n", "a\nb", " a", "  a", "a  b", "a\u00A0b",
        "Once upon a time", "🦙", "🦙🦙 🚀", "a🦙b", "👨‍👩‍👧‍👦", "我想在apple工作1314151天～", "Führer É e\u0301", "កាន់តែ",
        "нещо на Български", "\u2581", "a\u2581b", "<0x41>", "\u0000", "a\u0000b", "\uFEFFx", "{\"a\": [1, 2]}\\n",
        "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "\uD83D\uDE36\u200D\uD83C\uDF2B\uFE0F", "!!!???...", "x".repeat(300), "The <s without > end");
  }

  /** Ids one by one give the text of all of them, never half a character, and each prefix flushed is the prefix decoded. */
  static void assertStreamsAsDecoded(Tokenizer tokenizer, int[] ids) {
    TokenStream stream = tokenizer.stream();
    StringBuilder shown = new StringBuilder();
    for (int n = 1; n <= ids.length; n++) {
      String now = stream.accept(ids[n - 1]);
      assertEquals(-1, now.indexOf('\uFFFD'), () -> "half a character in " + Arrays.toString(ids));
      shown.append(now);
      int[] prefix = Arrays.copyOf(ids, n);
      String decoded = tokenizer.decode(prefix);
      assertTrue(decoded.startsWith(shown.toString()), () -> "[" + shown + "] is no start of [" + decoded + "]");
      TokenStream again = tokenizer.stream();
      StringBuilder whole = new StringBuilder();
      for (int id : prefix) {
        whole.append(again.accept(id));
      }
      assertEquals(decoded, whole.append(again.flush()).toString(), () -> Arrays.toString(prefix));
    }
    assertEquals("", stream.flush());
    assertEquals(tokenizer.decode(ids), shown.toString());
  }
}
