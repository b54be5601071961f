package org.spikellm.launcher.cli;

import java.nio.file.Path;

/** Commands for a user to go on with. */
final class Shell {

  private Shell() {}

  /** A path as a shell takes it. */
  static String quoted(Path path) {
    String text = path.toString();
    return text.matches("[\\w./-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
  }
}
