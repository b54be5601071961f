package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.model.CheckpointException;

class OutputFileTest {

  @TempDir
  private Path temporary;

  private static void refused(Path file, String part) {
    String said = assertThrows(CheckpointException.class, () -> OutputFile.place(file)).getMessage();
    assertTrue(said.startsWith(file + ": ") && said.contains(part), said);
  }

  @Test
  void aFileIsWrittenBehindItsLink() throws IOException {
    Path file = Files.writeString(temporary.resolve("file"), "old").toRealPath();
    Path link = Files.createSymbolicLink(temporary.resolve("link"), file);
    Path second = Files.createSymbolicLink(temporary.resolve("second"), Path.of("link"));
    assertEquals(file, OutputFile.place(link));
    assertEquals(file, OutputFile.place(second));
    assertEquals(temporary.resolve("new"), OutputFile.place(temporary.resolve("new")));
  }

  @Test
  void devicesAndLinksToNothingAreRefused() throws IOException {
    refused(Files.createSymbolicLink(temporary.resolve("dangling"), temporary.resolve("gone")), "a link to nothing");
    refused(Path.of("/dev/stdout"), "a device");
    refused(Path.of("/dev/../dev/null"), "a device");
    refused(Path.of("/proc/self/fd/1"), "a device");
    assertEquals(Path.of("/dev/shm/page.html"), OutputFile.place(Path.of("/dev/shm/page.html")), "files in memory");
  }
}
