package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.spikellm.model.CheckpointException;

/** Where a file is to lie that is written beside its place and then renamed. */
public final class OutputFile {

  private OutputFile() {}

  /**
   * The absolute place of a file, behind a link, which a rename would replace.
   *
   * @throws CheckpointException if it is a device, or a link to nothing
   */
  public static Path place(Path file) throws IOException {
    Path absolute = file.toAbsolutePath().normalize();
    if (absolute.startsWith("/dev") && !absolute.startsWith("/dev/shm") || absolute.startsWith("/proc")) {
      throw new CheckpointException(file + ": expected the name of a file, found a device; choose another place");
    }
    if (!Files.isSymbolicLink(absolute)) {
      return absolute;
    }
    if (!Files.exists(absolute)) {
      throw new CheckpointException(file + ": is a link to nothing; remove it or choose another name");
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
