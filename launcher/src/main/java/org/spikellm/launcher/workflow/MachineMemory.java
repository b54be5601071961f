package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What Linux says of memory; empty on other systems. */
final class MachineMemory {

  private static final long KIB = 1024;

  private MachineMemory() {}

  /** Bytes that can be taken without swapping: what the machine has, or what the container is allowed if that is less. */
  static OptionalLong available() {
    OptionalLong machine = kibibytes(Path.of("/proc/meminfo"), "MemAvailable:");
    OptionalLong container = container(Path.of("/sys/fs/cgroup"));
    return machine.isPresent() && container.isPresent()
        ? OptionalLong.of(Math.min(machine.getAsLong(), container.getAsLong())) : machine;
  }

  /** Bytes of this process that are in memory. */
  static OptionalLong resident() {
    return kibibytes(Path.of("/proc/self/status"), "VmRSS:");
  }

  /** The limit of a container (control groups, version 2), less what its processes hold; page cache can be given back. */
  private static OptionalLong container(Path group) {
    try {
      long limit = Long.parseLong(Files.readString(group.resolve("memory.max")).strip());
      for (String line : Files.readAllLines(group.resolve("memory.stat"))) {
        if (line.startsWith("anon ")) {
          return OptionalLong.of(Math.max(0, limit - Long.parseLong(line.substring("anon ".length()).strip())));
        }
      }
      return OptionalLong.empty();
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();   // no such group, or its limit is "max"
    }
  }

  private static OptionalLong kibibytes(Path file, String field) {
    try {
      for (String line : Files.readAllLines(file)) {
        if (line.startsWith(field)) {
          return OptionalLong.of(Long.parseLong(line.substring(field.length()).replace("kB", "").strip()) * KIB);
        }
      }
      return OptionalLong.empty();
    } catch (IOException | NumberFormatException e) {
      return OptionalLong.empty();
    }
  }
}
