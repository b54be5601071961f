package org.spikellm.model;

import java.nio.charset.StandardCharsets;

/** What git leaves of a large file where git-lfs did not fetch it: a few lines of text. */
final class LfsPointer {

  private static final String START = "version https://git-lfs";

  private LfsPointer() {}

  /** What to say of a file that begins so and is not what it should be; nothing where it is no pointer. */
  static String hint(byte[] start) {
    return new String(start, 0, Math.min(start.length, START.length()), StandardCharsets.ISO_8859_1).equals(START)
        ? "a git-lfs pointer in place of the file; fetch it with 'git lfs pull'" : "";
  }
}
