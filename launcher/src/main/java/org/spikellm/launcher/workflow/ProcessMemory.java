package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The resident memory of this process, where the system tells. */
public final class ProcessMemory {

  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Most bytes that were resident at one time, or null. */
  public static Long peakResidentBytes() {
    try {
      if (!Files.exists(STATUS)) {
        return null;
      }
      return Files.readAllLines(STATUS).stream().filter(line -> line.startsWith("VmHWM:"))
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst().orElse(null);
    } catch (IOException e) {
      return null;
    }
  }
}
