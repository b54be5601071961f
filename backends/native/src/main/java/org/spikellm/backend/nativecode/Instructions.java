package org.spikellm.backend.nativecode;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** The instruction sets that the library has kernels for, in the order of its levels. */
enum Instructions {
  PLAIN("no vectors beyond SSE2", 50),
  AVX2("AVX2", 200),
  AVX512("AVX-512 with VNNI", 200);

  /** The option's value that takes the best there is. */
  static final String AUTO = "auto";

  private final String inWords;
  private final int speed;

  Instructions(String inWords, int speed) {
    this.inWords = inWords;
    this.speed = speed;
  }

  /** As the option has it. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  String inWords() {
    return inWords;
  }

  /** Rank among the backends: without AVX2 the Vector API does better. */
  int speed() {
    return speed;
  }

  /** Whether {@code text} is {@link #AUTO} or the id of a set. */
  static boolean isChoice(String text) {
    return text.equals(AUTO) || Arrays.stream(values()).anyMatch(set -> set.id().equals(text));
  }

  /** What the option may be, in words. */
  static String choices() {
    return AUTO + ", " + Arrays.stream(values()).map(Instructions::id).collect(Collectors.joining(", "));
  }
}
