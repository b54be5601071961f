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
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The pages of all commands, as a browser shows them. With {@code -Dspikellm.screenshots=DIR} the pictures are kept there, to be
 * looked at.
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
    Path page = changed("cost", "<img src=\"http://127.0.0.1:9/x.png\" alt=\"\"><script>nothing.at.all();</script>");
    List<String> console = chromium.dom(page).console();
    assertTrue(console.stream().anyMatch(line -> line.contains("Content Security Policy")), console.toString());
    assertTrue(console.stream().anyMatch(line -> line.contains("nothing is not defined")), console.toString());
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

  private static Path changed(String name, String more) throws IOException {
    return Files.writeString(temporary.resolve("changed.html"), Files.readString(PAGES.get(name))
        .replace("</body>", more + "</body>"));
  }

  private static void keep(BufferedImage picture, String name) throws IOException {
    String directory = System.getProperty("spikellm.screenshots");
    if (directory != null) {
      ImageIO.write(picture, "png", Files.createDirectories(Path.of(directory)).resolve(name + ".png").toFile());
    }
  }
}
