package org.spikellm.launcher.tasks;

/** White space as Python takes it, since the prompts are defined there: no-break spaces too, unlike Java's. */
final class Blanks {

  private static final char NEXT_LINE = 0x85;

  private Blanks() {}

  static String strip(String text) {
    int from = 0;
    int to = end(text);
    while (from < to && isBlank(text.charAt(from))) {
      from++;
    }
    return text.substring(from, to);
  }

  /** Where the white space begins that ends a text. */
  static int end(String text) {
    int to = text.length();
    while (to > 0 && isBlank(text.charAt(to - 1))) {
      to--;
    }
    return to;
  }

  private static boolean isBlank(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == NEXT_LINE;
  }
}
