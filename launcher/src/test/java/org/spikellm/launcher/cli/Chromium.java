package org.spikellm.launcher.cli;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/** A headless Chromium that loads one page at a time; dark pages are for one of its own, which prefers dark pages. */
final class Chromium implements AutoCloseable {

  private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome");
  /** Of virtual time, in which timers wait for nothing. */
  private static final int MILLISECONDS = 3000;

  private final Path program;
  private final Path home;
  /** Those that were started, by whether they prefer dark pages. */
  private final Map<Boolean, DevTools> started = new HashMap<>();

  private Chromium(Path program, Path home) {
    this.program = program;
    this.home = home;
  }

  /**
   * The one on the path; without one the test is skipped, unless {@code -Dtck.require=chromium} wants it to fail.
   *
   * @param home where it may write
   */
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

  private DevTools browser(boolean dark) throws IOException {
    if (!started.containsKey(dark)) {
      String name = dark ? "dark" : "light";
      started.put(dark, new DevTools(List.of(program.toString(), "--headless=new", "--no-sandbox", "--disable-gpu",
          "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
          "--blink-settings=preferredColorScheme=" + (dark ? 0 : 1), "--user-data-dir=" + home.resolve(name)),
          home.resolve(name + ".txt")));
    }
    return started.get(dark);
  }

  /** A page that is being looked at. */
  private record Tab(DevTools browser, String target, String session) implements AutoCloseable {

    static Tab open(DevTools browser) throws IOException, InterruptedException {
      String target = (String) browser.call(null, "Target.createTarget", Map.of("url", "about:blank")).get("targetId");
      Map<?, ?> attached = browser.call(null, "Target.attachToTarget", Map.of("targetId", target, "flatten", true));
      Tab tab = new Tab(browser, target, (String) attached.get("sessionId"));
      for (String part : List.of("Page", "Runtime", "Log")) {
        tab.call(part + ".enable", Map.of());
      }
      return tab;
    }

    Map<?, ?> call(String method, Map<String, ?> parameters) throws IOException, InterruptedException {
      return browser.call(session, method, parameters);
    }

    /** Loads a page, with all that is in it. */
    void load(Path page) throws IOException, InterruptedException {
      call("Page.setLifecycleEventsEnabled", Map.of("enabled", true));
      Map<?, ?> loading = call("Page.navigate", Map.of("url", page.toUri().toString()));
      Assertions.assertNull(loading.get("errorText"), page.toString());
      browser.await(session, "Page.lifecycleEvent",
          event -> event.get("name").equals("load") && event.get("loaderId").equals(loading.get("loaderId")));
    }

    /** Errors that scripts threw, and what the page or its policy wrote to the console. */
    List<String> console() {
      return Map.of("Runtime.exceptionThrown", "exceptionDetails", "Runtime.consoleAPICalled", "args", "Log.entryAdded", "entry")
          .entrySet().stream().flatMap(kind -> browser.events(session, kind.getKey()).map(event -> event.get(kind.getValue())))
          .map(Object::toString).toList();
    }

    @Override
    public void close() throws IOException {
      try {
        browser.call(null, "Target.closeTarget", Map.of("targetId", target));
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }
  }

  /**
   * What became of a page.
   *
   * @param dom the document after its scripts ran
   * @param console lines that the page or its policy wrote to the console
   */
  record Loaded(String dom, List<String> console) {}

  /** Loads a page and returns its document. */
  Loaded dom(Path page) throws IOException, InterruptedException {
    try (Tab tab = Tab.open(browser(false))) {
      tab.load(page);
      tab.call("Emulation.setVirtualTimePolicy", Map.of("policy", "pauseIfNetworkFetchesPending", "budget", MILLISECONDS,
          "maxVirtualTimeTaskStarvationCount", 9999));
      tab.browser.await(tab.session, "Emulation.virtualTimeBudgetExpired", event -> true);
      Map<?, ?> dom = tab.call("Runtime.evaluate", Map.of("expression", "document.documentElement.outerHTML"));
      return new Loaded((String) ((Map<?, ?>) dom.get("result")).get("value"), tab.console());
    }
  }

  /** A picture of a page. */
  BufferedImage picture(Path page, int width, int height, boolean dark) throws IOException, InterruptedException {
    try (Tab tab = Tab.open(browser(dark))) {
      tab.call("Emulation.setDeviceMetricsOverride",
          Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
      tab.load(page);
      return ImageIO.read(new ByteArrayInputStream(bytes(tab.call("Page.captureScreenshot", Map.of()))));
    }
  }

  /** A page as it is printed, and its text by pdftotext (of poppler), without which the test is skipped. */
  String printed(Path page, Path pdf, boolean dark) throws IOException, InterruptedException {
    Path pdftotext = program("pdftotext", "printed pages cannot be read", List.of("pdftotext"));
    try (Tab tab = Tab.open(browser(dark))) {
      tab.load(page);
      Files.write(pdf, bytes(tab.call("Page.printToPDF", Map.of("printBackground", true, "preferCSSPageSize", true))));
    }
    Path text = home.resolve("printed.txt");
    Process process = new ProcessBuilder(pdftotext.toString(), pdf.toString(), text.toString()).inheritIO().start();
    Assertions.assertEquals(0, process.waitFor());
    return Files.readString(text);
  }

  private static byte[] bytes(Map<?, ?> answer) {
    return Base64.getDecoder().decode((String) answer.get("data"));
  }

  @Override
  public void close() throws IOException {
    for (DevTools browser : started.values()) {
      browser.close();
    }
  }

  private static int[] pixels(BufferedImage picture) {
    return picture.getRGB(0, 0, picture.getWidth(), picture.getHeight(), null, 0, picture.getWidth());
  }

  /** The mean brightness of a picture, 0 to 1. */
  static double brightness(BufferedImage picture) {
    int[] pixels = pixels(picture);
    long sum = 0;
    for (int rgb : pixels) {
      sum += (rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255);
    }
    return sum / (3.0 * 255 * pixels.length);
  }

  /** The share of the pixels that have the colour most of them have. */
  static double emptiness(BufferedImage picture) {
    int[] pixels = pixels(picture);
    Arrays.sort(pixels);
    int most = 0;
    for (int i = 0, from = 0; i < pixels.length; i++) {
      from = pixels[i] == pixels[from] ? from : i;
      most = Math.max(most, i - from + 1);
    }
    return (double) most / pixels.length;
  }
}
