package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Path;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.OutputPlace;

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
    return OutputPlace.of(file);
  }
}
