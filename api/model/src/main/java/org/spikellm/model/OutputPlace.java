package org.spikellm.model;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Where something is to lie that is written beside its place and then renamed. */
public final class OutputPlace {

  private OutputPlace() {}

  /**
   * The absolute place, behind a link, which a rename would replace.
   *
   * @throws CheckpointException if it is a link to nothing
   */
  public static Path of(Path named) throws IOException {
    Path absolute = named.toAbsolutePath().normalize();
    if (!Files.isSymbolicLink(absolute)) {
      return absolute;
    }
    if (!Files.exists(absolute)) {
      throw new CheckpointException(named + ": is a link to nothing; remove it or choose another name");
    }
    return absolute.toRealPath();
  }

  /** Why something cannot be written, in words. */
  public static String reason(IOException e) {
    return switch (e) {
      case AccessDeniedException denied -> "permission denied";
      case NoSuchFileException place -> "its directory takes no new files";
      case FileSystemException system when system.getReason() != null -> system.getReason();
      default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    };
  }
}
