package org.spikellm.launcher.cli;

/** What the start script knows of the terminal. */
final class Terminal {

  private static final int USUAL = 80;

  private Terminal() {}

  /** Its columns, 80 where nobody knows. */
  static int columns() {
    int known = Integer.getInteger("spikellm.columns", USUAL);
    return known < 1 ? USUAL : known;
  }

  /** Unless the user wants none (no-color.org). */
  static boolean hasColors() {
    String unwanted = System.getenv("NO_COLOR");
    return unwanted == null || unwanted.isEmpty();
  }
}
