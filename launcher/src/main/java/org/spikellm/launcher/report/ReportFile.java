package org.spikellm.launcher.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import org.spikellm.launcher.workflow.OutputFile;
import org.spikellm.model.OutputPlace;

/** Where a report goes: found fit before the work begins, and written whole or not at all. */
public final class ReportFile {

  private static final String DOCTYPE = "<!doctype html";

  private final Path file;
  private final Path target;
  /** What is done by the time it is written. */
  private final String done;

  private ReportFile(Path file, Path target, String done) {
    this.file = file;
    this.target = target;
    this.done = done;
  }

  /** As {@link #at(Path, Path)}, for a report on what was measured. */
  public static ReportFile at(Path file) throws IOException {
    return at(file, null, "all was measured");
  }

  /**
   * Finds out whether a report can be written, by writing an empty file beside it.
   *
   * @param file an earlier page there is replaced
   * @param out directory of the checkpoint to come, in which the report may lie though it need not be there yet
   * @throws IOException if it is something else than a page, or its directory is not there or cannot be written
   */
  public static ReportFile at(Path file, Path out) throws IOException {
    return at(file, out.toAbsolutePath().normalize(), "the checkpoint is whole");
  }

  private static ReportFile at(Path file, Path checkpoint, String done) throws IOException {
    Path target = OutputFile.place(file);
    Path directory = target.getParent();
    if (directory == null || Files.isDirectory(target) || target.equals(checkpoint)) {
      throw new IOException(file + ": expected the name of an HTML file for the report, found a directory");
    }
    if (Files.exists(target) && !isPage(target)) {
      throw new IOException(file + ": exists and is not an HTML page; remove it or choose another name for the report");
    }
    if (!Files.isDirectory(directory)) {
      if (directory.equals(checkpoint) && !Files.exists(directory)) {
        return new ReportFile(file, target, done);
      }
      throw new IOException(file + ": expected a directory to write the report to, found "
          + (Files.exists(directory) ? "a file" : "nothing") + " at " + directory);
    }
    try {
      Files.delete(Files.createTempFile(directory, ".report", ".partial"));
    } catch (IOException e) {
      throw new IOException(file + ": the report cannot be written: " + OutputPlace.reason(e) + "; choose another place", e);
    }
    return new ReportFile(file, target, done);
  }

  private static boolean isPage(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      String start = new String(in.readNBytes(DOCTYPE.length()), StandardCharsets.ISO_8859_1);
      return start.toLowerCase(Locale.ROOT).equals(DOCTYPE);
    }
  }

  /** Writes the page. */
  public void write(String page) throws IOException {
    try {
      Path partial = target.resolveSibling("." + target.getFileName() + ".partial");
      try {
        Files.writeString(partial, page);
        Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(partial);
      }
    } catch (IOException e) {
      throw new IOException(file + ": " + done + ", but the report cannot be written: " + OutputPlace.reason(e), e);
    }
  }

  @Override
  public String toString() {
    return file.toString();
  }
}
