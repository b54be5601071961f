package org.spikellm.launcher.cli;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * A headless Chromium that loads one page at a time.
 *
 * @param program its file
 * @param home where it may write
 */
record Chromium(Path program, Path home) {

  private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome");
  private static final int SECONDS = 120;

  /** The one on the path; without one the test is skipped, unless {@code -Dtck.require=chromium} wants it to fail. */
  static Chromium found(Path home) {
    return new Chromium(program("chromium", "pages cannot be looked at", NAMES), home);
  }

  /** A program on the path; without one the test is skipped, unless {@code -Dtck.require} names {@code required}. */
  private static Path program(String required, String consequence, List<String> names) {
    Optional<Path> program = names.stream().flatMap(name -> Arrays.stream(System.getenv().getOrDefault("PATH", "")
        .split(File.pathSeparator))
        .map(directory -> Path.of(directory, name))).filter(Files::isExecutable).findFirst();
    if (program.isEmpty()) {
      String reason = "there is no " + String.join(", ", names) + " on the path: " + consequence;
      if (Arrays.asList(System.getProperty("tck.require", "").split(",")).contains(required)) {
        Assertions.fail(reason + " (tck.require names it)");
      }
      Assumptions.abort(reason);
    }
    return program.get();
  }

  /**
   * What became of a page.
   *
   * @param dom the document after its scripts ran; empty where a picture was asked for
   * @param console lines that the page or its policy wrote to the console
   */
  record Loaded(String dom, List<String> console) {}

  /** Loads a page and returns its document. */
  Loaded dom(Path page) throws IOException, InterruptedException {
    return run(page, "--dump-dom", "--virtual-time-budget=3000");
  }

  /** A picture of a page. */
  BufferedImage picture(Path page, int width, int height, boolean dark) throws IOException, InterruptedException {
    Path file = home.resolve("screen.png");
    Files.deleteIfExists(file);
    run(page, "--screenshot=" + file, "--hide-scrollbars", "--window-size=" + width + "," + height,
        "--blink-settings=preferredColorScheme=" + (dark ? 0 : 1));
    return ImageIO.read(file.toFile());
  }

  /** A page as it is printed, and its text by pdftotext (of poppler), without which the test is skipped. */
  String printed(Path page, Path pdf, boolean dark) throws IOException, InterruptedException {
    Path pdftotext = program("pdftotext", "printed pages cannot be read", List.of("pdftotext"));
    Files.deleteIfExists(pdf);
    run(page, "--print-to-pdf=" + pdf, "--no-pdf-header-footer", "--blink-settings=preferredColorScheme=" + (dark ? 0 : 1));
    Path text = home.resolve("printed.txt");
    Process process = new ProcessBuilder(pdftotext.toString(), pdf.toString(), text.toString()).inheritIO().start();
    Assertions.assertEquals(0, process.waitFor());
    return Files.readString(text);
  }

  private Loaded run(Path page, String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program.toString(), "--headless=new", "--no-sandbox", "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        "--user-data-dir=" + home.resolve("profile")));
    command.addAll(List.of(options));
    command.add(page.toUri().toString());
    Path out = home.resolve("out.txt");
    Path err = home.resolve("err.txt");
    Process process = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      Assertions.fail(program + " did not end within " + SECONDS + " s: " + Files.readString(err));
    }
    Assertions.assertEquals(0, process.exitValue(), () -> read(err));
    try (var lines = Files.lines(err)) {
      return new Loaded(Files.readString(out), lines.filter(line -> line.contains("CONSOLE")).toList());
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** The mean brightness of a picture, 0 to 1. */
  static double brightness(BufferedImage picture) {
    long sum = 0;
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        int rgb = picture.getRGB(x, y);
        sum += (rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255);
      }
    }
    return sum / (3.0 * 255 * picture.getWidth() * picture.getHeight());
  }

  /** The share of the pixels that have the colour most of them have. */
  static double emptiness(BufferedImage picture) {
    Map<Integer, Integer> colours = new HashMap<>();
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        colours.merge(picture.getRGB(x, y), 1, Integer::sum);
      }
    }
    return colours.values().stream().mapToInt(Integer::intValue).max()
        .orElseThrow() / ((double) picture.getWidth() * picture.getHeight());
  }
}
