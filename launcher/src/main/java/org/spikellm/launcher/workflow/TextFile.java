package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.spikellm.model.CheckpointException;

/** A text that a user named. */
final class TextFile {

  private TextFile() {}

  /**
   * Reads it.
   *
   * @throws CheckpointException if it is not there, is not UTF-8, or is blank
   */
  static String read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new CheckpointException(file + ": expected a text file, found " + (Files.exists(file) ? "something else" : "nothing"));
    }
    try {
      String text = Files.readString(file);
      if (text.isBlank()) {
        throw new CheckpointException(file + ": expected text, found none");
      }
      return text;
    } catch (CharacterCodingException e) {
      throw new CheckpointException(file + ": expected UTF-8 text, found other bytes", e);
    }
  }
}
