package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The pages of all commands, as a browser shows and prints them. With {@code -Dspikellm.screenshots=DIR} the pictures and prints are
 * kept there, to be looked at.
 */
class BrowserTest {

  private static final int PHONE = 390;
  private static final Map<String, Path> PAGES = new LinkedHashMap<>();
  private static final Map<String, List<String>> TEXTS = Map.of(
      "quantize", List.of("quantized with rtn", "Salience", "Perplexity"),
      "evaluate", List.of("Models side by side", "Quality and energy", "Where it fires", "Spikes of a prompt", "The old king"),
      "cost", List.of("What is no spikes", "attention", "Firing rate", "Spikes of a prompt"),
      "sweep", List.of("A sweep over tales-3m", "Every point", "Quality and energy"));

  @TempDir
  private static Path temporary;

  private static Chromium chromium;

  @BeforeAll
  static void makePages() throws IOException {
    chromium = Chromium.found(temporary);
    for (String name : List.of("quantize", "evaluate", "cost", "sweep")) {
      PAGES.put(name, temporary.resolve(name + ".html"));
    }
    String model = ModelCopy.ORIGINAL.toString();
    String packed = temporary.resolve("packed").toString();
    String text = ModelCopy.ORIGINAL.resolve("evaluation.txt").toString();
    done("quantize", model, packed, "--pipeline", "rtn", "--samples", "1", "--sequence", "32", "--quiet", "--report",
        PAGES.get("quantize").toString());
    done("evaluate", model, packed, "--text", text, "--sequence", "64", "--limit", "1", "--quiet", "--report",
        PAGES.get("evaluate").toString(), "--prompt", "The old king", "--raster", "5.mlp.down_proj");
    done("cost", packed, "--text", text, "--sequence", "32", "--limit", "1", "--quiet", "--report", PAGES.get("cost").toString());
    Path grid = Files.writeString(temporary.resolve("grid.json"),
        "{\"samples\": 1, \"calibration_sequence\": 16, \"sequence\": 32, \"limit\": 1, "
        + "\"grid\": {\"pipeline\": [\"rtn\"], \"neuron\": [\"gif\", \"ternary-gif\"]}}");
    done("sweep", grid.toString(), temporary.resolve("sweep").toString(), "--quiet");
    Files.copy(temporary.resolve("sweep/report.html"), PAGES.get("sweep"));
  }

  @AfterAll
  static void closeBrowser() throws IOException {
    if (chromium != null) {
      chromium.close();
    }
  }

  private static void done(String... command) {
    Program run = Program.run(command);
    assertEquals(0, run.status(), run.err());
  }

  @Test
  void pagesSayWhatTheyShowAndAskForNothing() throws IOException, InterruptedException {
    for (Map.Entry<String, Path> page : PAGES.entrySet()) {
      Chromium.Loaded loaded = chromium.dom(page.getValue());
      assertEquals(List.of(), loaded.console(), page.getKey() + ": the console, where requests would be refused too");
      for (String text : TEXTS.get(page.getKey())) {
        assertTrue(loaded.dom().contains(text), text + " in " + page.getKey());
      }
      assertTrue(loaded.dom().contains("Copy table"), page.getKey() + ": the script ran");
    }
  }

  @Test
  void whatAsksForMoreIsFoundOut() throws IOException, InterruptedException {
    String more = "<img src=\"http://127.0.0.1:9/x.png\" alt=\"\"><script>nothing.at.all();</script>";
    List<String> console = chromium.dom(added("cost", more)).console();
    for (String what : List.of("loading the image", "executing inline script")) {
      assertTrue(console.stream().anyMatch(line -> line.toLowerCase(Locale.ROOT).contains(what)
          && line.contains("Content Security Policy")), what + ": " + console);
    }
    console = chromium.dom(changed("cost", more)).console();
    assertTrue(console.stream().anyMatch(line -> line.contains("nothing is not defined")), console.toString());
  }

  /** Each chart has elements or, of a map of many cells, pixels of many colours. */
  @Test
  void everyChartIsDrawn() throws IOException, InterruptedException {
    Map<String, Integer> charts = Map.of("quantize", 20, "evaluate", 10, "cost", 9, "sweep", 1);
    for (String name : PAGES.keySet()) {
      String dom = chromium.dom(changed(name, "<script>"
          + "function colours(c) { var d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; var seen = new Set();"
          + "  for (var i = 0; i < d.length; i += 4) { seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); } return seen.size; }"
          + "setTimeout(function () { var drawn = Array.from(document.querySelectorAll('.chart')).map(function (place) {"
          + "  var svg = place.querySelector('svg'), canvas = place.querySelector('canvas');"
          + "  return svg ? svg.querySelectorAll('path, rect').length : canvas ? colours(canvas) : 0; });"
          + "document.body.setAttribute('data-drawn', drawn.join(' ')); }, 2000);</script>")).dom();
      List<Double> drawn = numbers(dom, "data-drawn");
      assertEquals(charts.get(name), drawn.size(), name);
      assertTrue(drawn.stream().allMatch(count -> count > 8), name + ": " + drawn);
    }
  }

  @Test
  void chartsTellValuesZoomAndSwitchLines() throws IOException, InterruptedException {
    Chromium.Loaded loaded = chromium.dom(changed("quantize", "<script>setTimeout(function () {"
        + "var all = Array.from(document.querySelectorAll('.chart')).map(function (p) { return echarts.getInstanceByDom(p); });"
        + "function of(title) { return all.find(function (c) { return c.getDom().getAttribute('aria-label') === title; }); }"
        + "var parts = of('Size of source and result, by part'); parts.dispatchAction({type: 'showTip', seriesIndex: 0, dataIndex: 0});"
        + "var map = of('self_attn.q_proj: channels by block');"
        + "map.dispatchAction({type: 'dataZoom', start: 50, end: 60});"
        + "var curves = of('self_attn.q_proj: scores in order of size');"
        + "function lines() { curves.getZr().flush(); return curves.getDom().querySelectorAll('path').length; }"
        + "var before = lines(); curves.dispatchAction({type: 'legendUnSelect', name: 'block 0'});"
        + "setTimeout(function () { document.body.setAttribute('data-lines', before + ' ' + lines());"
        + "  document.body.setAttribute('data-tip', parts.getDom().lastElementChild.textContent);"
        + "  window.dispatchEvent(new Event('resize')); }, 300);"
        + "setTimeout(function () { document.body.setAttribute('data-zoom', map.getOption().dataZoom[0].start);"
        + "  document.body.setAttribute('data-after', lines()); }, 1500); }, 500);</script>"));
    assertEquals(List.of(), loaded.console());
    assertTrue(loaded.dom().contains("data-tip=\"source: self_attn.q_proj442.4 kB (442,368 bytes)\""), "the tip of a part");
    List<Double> lines = numbers(loaded.dom(), "data-lines");
    assertTrue(lines.get(1) < lines.get(0), "a line that is switched off: " + lines);
    assertEquals(lines.get(1), numbers(loaded.dom(), "data-after").getFirst(), "and stays so when drawn again");
    assertEquals(50, numbers(loaded.dom(), "data-zoom").getFirst(), "as does the part that is looked at");
  }

  /** What tells of a change of theme is called, and the colours are changed by hand. */
  @Test
  void chartsFollowTheTheme() throws IOException, InterruptedException {
    Path page = changed("sweep", "<script>document.documentElement.style.setProperty('--soft', '#123456');"
        + "document.body.setAttribute('data-before', document.querySelectorAll('.chart [fill=\"#123456\"]').length);"
        + "window.themeChanged();"
        + "document.body.setAttribute('data-after', document.querySelectorAll('.chart [fill=\"#123456\"]').length);</script>");
    Files.writeString(page, Files.readString(page).replaceFirst("<head>", "<head><script>window.matchMedia = function (query) {"
        + "return {matches: false, addEventListener: function (type, listener) { window.themeChanged = listener; }}; };</script>"));
    Chromium.Loaded loaded = chromium.dom(page);
    assertEquals(List.of(), loaded.console());
    assertEquals(0, numbers(loaded.dom(), "data-before").getFirst());
    assertTrue(numbers(loaded.dom(), "data-after").getFirst() > 5, "words in the new colour");
  }

  /** Charts of lines and bars are words and strokes on paper, too; switches are left out, and the theme is the light one. */
  @Test
  void pagesArePrinted() throws IOException, InterruptedException {
    Map<String, List<String>> texts = Map.of(
        "quantize", List.of("Perplexity of all windows and of each", "float source", "share of the channels, least salient first"),
        "evaluate", List.of("Energy a token against perplexity", "µJ a token, estimated", "Channels by firing rate", "90–100 %"),
        "cost", List.of("Channels by firing rate", "Firing rates of mlp.down_proj", "Spikes before"),
        "sweep", List.of("Energy a token against perplexity", "on the line"));
    for (String name : PAGES.keySet()) {
      // From a dark screen, too: of the pages, that with charts of most kinds.
      for (boolean dark : name.equals("evaluate") ? new boolean[] {false, true} : new boolean[] {false}) {
        String printed = chromium.printed(PAGES.get(name), kept(name + (dark ? "-dark.pdf" : ".pdf")), dark);
        for (String text : texts.get(name)) {
          assertTrue(printed.replaceAll("\\s+", " ").contains(text), name + ": '" + text + "' in " + printed);
        }
        assertTrue(printed.chars().filter(c -> c == '\f').count() > 0, "pages");
        assertFalse(printed.contains("Copy table"), name + ": buttons on paper");
      }
    }
  }

  @Test
  void picturesAreNotBlankInLightInDarkAndOnAPhone() throws IOException, InterruptedException {
    for (Map.Entry<String, Path> page : PAGES.entrySet()) {
      Path phone = Files.writeString(temporary.resolve("phone.html"),
          "<!DOCTYPE html><body style=\"margin:0\"><iframe style=\"border:0\" width=\""
          + PHONE + "\" height=\"1600\" src=\"" + page.getValue().getFileName() + "\"></iframe>");
      BufferedImage light = chromium.picture(page.getValue(), 1100, 1600, false);
      BufferedImage dark = chromium.picture(page.getValue(), 1100, 1600, true);
      BufferedImage small = chromium.picture(phone, 500, 1600, false).getSubimage(0, 0, PHONE, 1600);
      for (Map.Entry<String, BufferedImage> shot : Map.of("light", light, "dark", dark, "phone", small).entrySet()) {
        keep(shot.getValue(), page.getKey() + "-" + shot.getKey());
        double emptiness = Chromium.emptiness(shot.getValue());
        assertTrue(emptiness < 0.95, page.getKey() + ", " + shot.getKey() + ": " + emptiness + " of it has one colour");
      }
      assertTrue(Chromium.brightness(light) > 0.8, page.getKey() + " in light: " + Chromium.brightness(light));
      assertTrue(Chromium.brightness(dark) < 0.35, page.getKey() + " in dark: " + Chromium.brightness(dark));
      assertTrue(Chromium.brightness(small) > 0.7, page.getKey() + " on a phone: " + Chromium.brightness(small));
    }
  }

  /** Wide tables and pictures scroll on their own; the page does not. */
  @Test
  void pagesAreAsWideAsAPhone() throws IOException, InterruptedException {
    for (String name : PAGES.keySet()) {
      Path page = changed(name, "<script>parent.postMessage(document.documentElement.scrollWidth, \"*\");</script>");
      Path phone = Files.writeString(temporary.resolve("phone.html"), "<!DOCTYPE html><body><script>onmessage = e => "
          + "document.body.dataset.width = e.data;</script><iframe width=\"" + PHONE + "\" height=\"800\" src=\""
              + page.getFileName()
          + "\"></iframe>");
      String dom = chromium.dom(phone).dom();
      assertTrue(dom.contains("data-width=\""), name + ": the page did not answer");
      int width = Integer.parseInt(dom.replaceFirst("(?s).*data-width=\"(\\d+)\".*", "$1"));
      assertTrue(width <= PHONE, name + " is " + width + " wide on a phone of " + PHONE);
    }
  }

  @Test
  void tablesAreSortedAndCopied() throws IOException, InterruptedException {
    Path page = changed("sweep", "<script>var table = document.querySelector('table'); var at = "
        + "Array.from(table.tHead.rows[0].cells)"
        + ".findIndex(function (c) { return c.textContent === 'perplexity'; }); var button = table.querySelectorAll('thead "
            + "button')[at];"
        + "function shown() { return Array.from(table.tBodies[0].rows).map(function (r) { return r.cells[at].textContent; "
            + "}).join(' '); }"
        + "button.click(); document.body.setAttribute('data-up', shown()); button.click(); "
            + "document.body.setAttribute('data-down', shown());"
        + "document.execCommand = function () { document.body.setAttribute('data-copied', "
            + "document.activeElement.value.length); return true; };"
        + "document.querySelector('.copy').click();</script>");
    Chromium.Loaded loaded = chromium.dom(page);
    assertEquals(List.of(), loaded.console());
    List<Double> up = numbers(loaded.dom(), "data-up");
    assertEquals(3, up.size());
    assertEquals(up.stream().sorted().toList(), up);
    assertEquals(up.reversed(), numbers(loaded.dom(), "data-down"));
    assertFalse(numbers(loaded.dom(), "data-copied").getFirst() < 100, "the copied text");
  }

  private static List<Double> numbers(String dom, String attribute) {
    assertTrue(dom.contains(attribute + "=\""), attribute);
    String value = dom.replaceFirst("(?s).*" + attribute + "=\"([^\"]*)\".*", "$1");
    return List.of(value.split(" ")).stream().map(Double::valueOf).toList();
  }

  /** A page with more at its end; ECharts has that tag, too. */
  private static Path added(String name, String more) throws IOException {
    StringBuilder page = new StringBuilder(Files.readString(PAGES.get(name)));
    return Files.writeString(temporary.resolve("changed.html"), page.insert(page.lastIndexOf("</body>"), more));
  }

  /** The same with a policy that lets the additional scripts run. */
  private static Path changed(String name, String more) throws IOException {
    Path page = added(name, more);
    return Files.writeString(page, Files.readString(page).replaceFirst("script-src [^\"]*", "script-src &#39;unsafe-inline&#39;"));
  }

  private static Path kept(String name) throws IOException {
    String directory = System.getProperty("spikellm.screenshots");
    return (directory == null ? temporary : Files.createDirectories(Path.of(directory))).resolve(name);
  }

  private static void keep(BufferedImage picture, String name) throws IOException {
    if (System.getProperty("spikellm.screenshots") != null) {
      ImageIO.write(picture, "png", kept(name + ".png").toFile());
    }
  }
}
