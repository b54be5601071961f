package org.spikellm.launcher.text;

/**
 * Text from tokens as they come. A character may be spread over several tokens, and it is given out when it is whole; all that is
 * given out, {@link #flush()} included, is {@link Tokenizer#decode} of all the ids. For one thread.
 */
public final class TokenStream {

  /** A character has at most four bytes, and a token at least one. */
  private static final int LONGEST_CHARACTER = 4;

  private final Tokenizer tokenizer;
  /** The tokens from the one in which an unfinished character begins; its first {@code given} chars are out already. */
  private final int[] pending = new int[LONGEST_CHARACTER];
  private int count;
  private int given;
  /** At the start of a text SentencePiece takes one space away. */
  private boolean start = true;

  TokenStream(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The text that can be shown now that this token is there; empty for a special token or in the middle of a character. */
  public String accept(int id) {
    if (tokenizer.isSpecial(id)) {
      return "";
    }
    pending[count++] = id;
    return take(false);
  }

  /** The rest: what is still unfinished becomes U+FFFD. */
  public String flush() {
    return take(true);
  }

  private String take(boolean all) {
    StringBuilder out = new StringBuilder();
    while (count > 0) {
      String text = tokenizer.piece(start, pending, count);
      int whole = wholeLength(text);
      if (whole == text.length()) {
        give(text, whole, out);
        drop(count);
        return out.toString();
      }
      if (whole > given) {
        // The unfinished character begins in the last token: had it begun before, that one could not be finished here.
        give(text, whole, out);
        drop(count - 1);
        given = wholeLength(tokenizer.piece(start, pending, count));
      }
      if (!all && count < LONGEST_CHARACTER) {
        return out.toString();
      }
      // What began in the first token is no character, whatever comes.
      String first = tokenizer.piece(start, pending, 1);
      give(first, first.length(), out);
      drop(1);
    }
    return out.toString();
  }

  private void give(String text, int end, StringBuilder out) {
    out.append(text, Math.min(given, end), end);
    given = 0;
  }

  private void drop(int tokens) {
    System.arraycopy(pending, tokens, pending, 0, count - tokens);
    count -= tokens;
    start = false;
  }

  /** Length without the U+FFFD at the end, which the next tokens may turn into a character. */
  private static int wholeLength(String text) {
    int length = text.length();
    while (length > 0 && text.charAt(length - 1) == '\uFFFD') {
      length--;
    }
    return length;
  }
}
