package org.spikellm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where a report may go is known before the work begins. */
class ReportFileTest {

  @TempDir
  private Path temporary;

  private List<String> names() throws IOException {
    try (Stream<Path> list = Files.list(temporary)) {
      return list.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private void refused(Path file, String... expected) throws IOException {
    List<String> before = names();
    String message = assertThrows(IOException.class, () -> ReportFile.at(file, temporary.resolve("out"))).getMessage();
    for (String part : expected) {
      assertTrue(message.contains(part), "no '" + part + "' in " + message);
    }
    assertEquals(before, names(), "something was left");
  }

  @Test
  void whatCannotBeWrittenIsRefused() throws IOException {
    refused(temporary, "expected the name of an HTML file", "found a directory");
    refused(temporary.resolve("out"), "expected the name of an HTML file");
    refused(temporary.resolve("gone/report.html"), "gone/report.html", "expected a directory", "found nothing");
    Path file = Files.writeString(temporary.resolve("file"), "");
    refused(file.resolve("report.html"), "found a file");
    Path precious = Files.writeString(temporary.resolve("weights.html"), "not a page");
    refused(precious, "exists and is not an HTML page");
    assertEquals("not a page", Files.readString(precious));
    refused(Path.of("/"), "found a directory");
  }

  @Test
  void itIsWrittenWholeAndReplacesAnEarlierPage() throws IOException {
    Path file = temporary.resolve("report.html");
    ReportFile report = ReportFile.at(file, temporary.resolve("out"));
    assertEquals(List.of(), names(), "the check leaves nothing");
    report.write("<!DOCTYPE html>1");
    ReportFile.at(file, temporary.resolve("out")).write("<!DOCTYPE html>2");
    assertEquals("<!DOCTYPE html>2", Files.readString(file));
    assertEquals(List.of("report.html"), names());
  }

  @Test
  void itMayLieInTheCheckpointToCome() throws IOException {
    Path out = temporary.resolve("out");
    ReportFile report = ReportFile.at(out.resolve("report.html"), out);
    assertFalse(Files.exists(out));
    Files.createDirectory(out);
    report.write("<!DOCTYPE html>");
    assertTrue(Files.exists(out.resolve("report.html")));
  }

  @Test
  void whatGoesWrongLaterSaysThatTheCheckpointIsWhole() throws IOException {
    Path out = temporary.resolve("out");
    ReportFile report = ReportFile.at(out.resolve("report.html"), out);
    String message = assertThrows(IOException.class, () -> report.write("")).getMessage();
    assertTrue(message.contains("the checkpoint is whole, but the report cannot be written"), message);
  }
}
