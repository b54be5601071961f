package org.spikellm.launcher.tasks;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.spikellm.launcher.text.Tokenizer;

/** Where a context ends and its continuation begins, in tokens. */
class ScoredTextTest {

  private static final int NO_LIMIT = 1000;

  private static ScoredText of(String context, String continuation, int limit) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("src/main/models/tales-3m"))) {
      return ScoredText.of(tokenizer, true, context, continuation, limit);
    }
  }

  private static int[] tokens(String text, boolean begin) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(Path.of("src/main/models/tales-3m"))) {
      return tokenizer.encode(text, begin);
    }
  }

  @Test
  void theContinuationIsWhatComesAfterTheContextsTokens() throws IOException {
    ScoredText text = of("The king had", " a daughter.", NO_LIMIT);
    assertArrayEquals(tokens("The king had a daughter.", true), text.tokens());
    assertEquals(text.tokens().length - tokens("The king had", true).length, text.scored());
    assertFalse(text.truncated() || text.straddles());
  }

  @Test
  void whiteSpaceAtTheContextsEndIsTheContinuations() throws IOException {
    for (String blank : new String[] {" ", "\n", "\u00A0", " \n\t"}) {
      ScoredText text = of("The king had" + blank, "a daughter.", NO_LIMIT);
      assertArrayEquals(of("The king had", blank + "a daughter.", NO_LIMIT).tokens(), text.tokens(), blank);
      assertEquals(text.tokens().length - tokens("The king had", true).length, text.scored(), blank);
    }
  }

  /** The tokens of "moth" are not the first of "mother": the context keeps its own, and the rest follows by number. */
  @Test
  void aTokenThatHoldsTheBoundary() throws IOException {
    int[] alone = tokens("The king's moth", true);
    int[] whole = tokens("The king's mother was a witch", true);
    assertTrue(Arrays.mismatch(alone, whole) < alone.length, "the tokenizer parts 'mother' after 'moth'");
    ScoredText text = of("The king's moth", "er was a witch", NO_LIMIT);
    assertTrue(text.straddles());
    assertEquals(whole.length - alone.length, text.scored());
    assertArrayEquals(alone, Arrays.copyOf(text.tokens(), alone.length));
    assertArrayEquals(Arrays.copyOfRange(whole, alone.length, whole.length),
        Arrays.copyOfRange(text.tokens(), alone.length, text.tokens().length));
  }

  /** Where the whole has no more tokens than the context alone, what differs is scored. */
  @Test
  void aContinuationWithoutTokens() throws IOException {
    int[] whole = tokens("The king's mother", true);
    ScoredText text = of("The king's moth", "er", NO_LIMIT);
    assertTrue(tokens("The king's moth", true).length >= whole.length, "the tokenizer has no token for 'mother'");
    assertArrayEquals(whole, text.tokens());
    assertEquals(1, text.scored());
    assertTrue(text.straddles());
  }

  @Test
  void anEmptyContextIsTheBeginToken() throws IOException {
    ScoredText text = of("", " a daughter.", NO_LIMIT);
    assertArrayEquals(tokens(" a daughter.", true), text.tokens());
    assertEquals(text.tokens().length - 1, text.scored());
  }

  @Test
  void whatIsTooLongLosesItsFront() throws IOException {
    int[] whole = tokens("The king had a daughter.", true);
    ScoredText fits = of("The king had", " a daughter.", whole.length - 1);
    assertFalse(fits.truncated());
    assertEquals(whole.length - 1, fits.read());
    ScoredText cut = of("The king had", " a daughter.", whole.length - 2);
    assertTrue(cut.truncated());
    assertArrayEquals(Arrays.copyOfRange(whole, 1, whole.length), cut.tokens());
    assertEquals(fits.scored(), cut.scored());
    ScoredText little = of("The king had", " a daughter.", 1);
    assertArrayEquals(Arrays.copyOfRange(whole, whole.length - 2, whole.length), little.tokens());
    assertEquals(1, little.scored());
  }
}
