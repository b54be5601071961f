package org.spikellm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.spikellm.api.BlockShape;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** What a page shows, read back from it. */
class PageTest {

  private static final BlockShape TINY = new BlockShape(16, 2, 1, 8, 24, 1e-5f);
  private static final BlockShape LARGE = new BlockShape(4096, 32, 32, 128, 11_008, 1e-5f);
  private static final List<String> SECTIONS = List.of("perplexity", "losses", "salience", "sizes", "provenance");

  private static QuantizationReport tiny(int epochs) {
    return Reports.of(TINY, 3, epochs, List.of(), Reports.comparison(), "models/tiny");
  }

  @Test
  void thePageIsWholeAndNeedsNothingElse() throws IOException {
    String page = Page.of(tiny(5));
    assertTrue(page.startsWith("<!DOCTYPE html>\n<html lang=\"en\">"), page.substring(0, 60));
    Document document = Reports.parse(page);
    assertEquals("tiny, quantized with omniquant", Reports.elements(document.getDocumentElement(), "title").getFirst()
        .getTextContent());
    for (String section : SECTIONS) {
      assertTrue(Reports.section(document, section) != null, section);
    }
    assertNull(Reports.section(document, "warnings"));
    assertEquals(1, Reports.elements(document.getDocumentElement(), "script").size(), "its own");
    for (String outside : List.of("http:", "https:", "//", "url(", "@import", "src=", "href=", "<link")) {
      assertFalse(page.contains(outside), outside);
    }
    Matcher selfClosed = Pattern.compile("<([a-z]+)[^<>]*/>").matcher(page);
    Set<String> names = new HashSet<>();
    while (selfClosed.find()) {
      names.add(selfClosed.group(1));
    }
    assertEquals(Set.of("meta", "path", "rect"), names, "what HTML lets end itself");
  }

  @Test
  void idsAreUniqueAndPicturesHaveWords() throws IOException {
    Element root = Reports.parse(Page.of(tiny(5))).getDocumentElement();
    List<String> ids = Reports.elements(root, "section").stream().map(e -> e.getAttribute("id")).toList();
    assertEquals(ids.size(), new HashSet<>(ids).size());
    List<Element> pictures = Reports.elements(root, "svg");
    assertEquals(1 + 1 + 3 + 2 * 9 + 1, pictures.size(), "perplexity, losses, a block each, a map and a chart a layer, sizes");
    pictures.forEach(svg -> assertFalse(svg.getAttribute("aria-label").isBlank()));
    Reports.elements(root, "figure").forEach(figure -> assertEquals(1, Reports.elements(figure, "figcaption").size()));
  }

  @Test
  void whatComesFromOutsideIsEscaped() throws IOException {
    String evil = "</style><script>alert('x')</script>&amp;\"<b onclick=\"\u0000\u001b[31m\ud800";
    Comparison failed = new Comparison(evil, null, null, evil);
    String path = evil.replace("\u0000", "").replace("\ud800", "");  // no path may hold them
    QuantizationReport report = Reports.of(TINY, 2, 1, List.of(evil), failed, path);
    String page = Page.of(report);
    Element root = Reports.parse(page).getDocumentElement();
    assertEquals(1, Reports.elements(root, "script").size() + Reports.elements(root, "b").size());
    assertFalse(page.contains("<script>alert") || page.contains("\u0000") || page.contains("\u001b"), "raw text");
    String shown = shown(evil);
    Document document = root.getOwnerDocument();
    assertTrue(Reports.section(document, "warnings").getTextContent().contains(shown), "the warning");
    assertTrue(Reports.section(document, "provenance").getTextContent().contains(shown(path)), "the source");
    assertTrue(Reports.section(document, "perplexity").getTextContent().contains(shown), "why there is no perplexity");
  }

  private static String shown(String text) {
    return text.replace('\u0000', '\ufffd').replace('\u001b', '\ufffd').replace('\ud800', '\ufffd');
  }

  @Test
  void aCurveHasAPointAnEpoch() throws IOException {
    int epochs = 7;
    Element section = Reports.section(Reports.parse(Page.of(tiny(epochs))), "losses");
    List<Element> curves = Reports.ofClass(Reports.ofClass(section, "svg", "chart").getFirst(), "path", "line");
    assertEquals(3, curves.size());
    double above = Double.POSITIVE_INFINITY;
    for (int b = 0; b < curves.size(); b++) {
      List<double[]> points = points(curves.get(b));
      assertEquals(epochs, points.size());
      for (int e = 1; e < epochs; e++) {
        assertTrue(points.get(e)[0] > points.get(e - 1)[0], "to the right");
        assertTrue(points.get(e)[1] > points.get(e - 1)[1], "downwards, since the losses fall");
      }
      assertTrue(points.getFirst()[1] < above, "the loss of block " + b + " is larger than that of the one before");
      above = points.getFirst()[1];
      assertTrue(curves.get(b).getTextContent().contains("−85.7 %"), curves.get(b).getTextContent());
    }
    // Losses of 1e-3 to 1e-3·e^0.5 fall to a seventh: a factor of 11.5, which is wide.
    assertTrue(section.getTextContent().contains("logarithmic"));
  }

  /** On a logarithmic axis a halving is as far everywhere: 1 to 1/2 is as far as 1/2 to 1/4. */
  @Test
  void equalFactorsAreEquallyFar() throws IOException {
    Element section = Reports.section(Reports.parse(Page.of(tiny(8))), "losses");
    List<double[]> points = points(Reports.ofClass(section, "path", "line").getFirst());
    double first = points.get(1)[1] - points.get(0)[1];
    double second = points.get(3)[1] - points.get(1)[1];
    double third = points.get(7)[1] - points.get(3)[1];
    // Coordinates are rounded to a tenth, so a distance is off by at most 0.1 and two of them differ by at most 0.2.
    assertEquals(first, second, 0.21);
    assertEquals(second, third, 0.21);
  }

  @Test
  void whereNothingIsTrainedThePageSaysSo() throws IOException {
    Element section = Reports.section(Reports.parse(Page.of(tiny(0))), "losses");
    assertEquals(0, Reports.elements(section, "svg").size());
    assertTrue(section.getTextContent().contains("rtn computed its weights in one pass"), section.getTextContent());
  }

  /** Channels of a small layer have a column each: the runs of colour cover exactly the salient ones. */
  @Test
  void everySalientChannelOfASmallLayerIsMarkedInItsPlace() throws IOException {
    QuantizationReport report = tiny(1);
    List<Element> maps = Reports.ofClass(Reports.section(Reports.parse(Page.of(report)), "salience"), "svg", "map");
    assertEquals(report.layers().size(), maps.size());
    for (int i = 0; i < maps.size(); i++) {
      List<LayerChannels> rows = report.layers().get(i);
      Set<List<Integer>> expected = new HashSet<>();
      for (LayerChannels row : rows) {
        for (int c = 0; c < row.channels(); c++) {
          if (row.salient(c)) {
            expected.add(List.of(row.block(), c));
          }
        }
      }
      assertFalse(expected.isEmpty(), "no salient channel in the example");
      assertEquals(expected, cells(maps.get(i), "s4"), rows.getFirst().layer());
      int scored = 0;
      for (int level = 0; level <= ChannelMap.MULTIPLES.length; level++) {
        scored += cells(maps.get(i), "l" + level).size();
      }
      assertEquals(rows.size() * rows.getFirst().channels(), scored, "each channel has one colour");
    }
  }

  @Test
  void perplexitySizesAndProvenanceAreThere() throws IOException {
    Document page = Reports.parse(Page.of(tiny(2)));
    String perplexity = Reports.section(page, "perplexity").getTextContent();
    for (String part : List.of("10.00", "12.50", "+2.50 (+25 %)", "2 windows of 256 tokens", "a text")) {
      assertTrue(perplexity.contains(part), part + " in " + perplexity);
    }
    List<Double> bars = Reports.elements(Reports.section(page, "perplexity"), "rect").stream()
        .map(bar -> Double.parseDouble(bar.getAttribute("width"))).toList();
    assertEquals(0.8, bars.get(0) / bars.get(1), 1e-3, "bars are as long as the perplexities are large");
    String sizes = Reports.section(page, "sizes").getTextContent();
    for (String part : List.of("3.00 MB", "1.52 MB", "16.00", "4.16", "mlp.down_proj")) {
      assertTrue(sizes.contains(part), part + " in " + sizes);
    }
    String provenance = Reports.section(page, "provenance").getTextContent();
    for (String part : List.of("c0ffee", "omniquant with epochs = 2; by default alpha = 0.75", "spikellm test", "simd: a "
        + "device, 2 threads", "12.5 s", "models/tiny")) {
      assertTrue(provenance.contains(part), part + " in " + provenance);
    }
  }

  /** 32 blocks of LLaMA-2-7B's size: 1.2 million scores. */
  @Test
  void aLargeModelsPageStaysSmall() throws IOException {
    String page = Page.of(Reports.of(LARGE, 32, 20, List.of(), Reports.comparison(), "llama"));
    Reports.parse(page);
    assertTrue(page.length() < 2_500_000, page.length() + " characters");
    assertTrue(page.contains("Up to 29 neighbours share a column"), "11,008 channels on 384 columns");
  }

  /** The cells, block and column, that the runs of one colour cover. */
  private static Set<List<Integer>> cells(Element map, String style) {
    Set<List<Integer>> cells = new HashSet<>();
    for (Element path : Reports.ofClass(map, "path", style)) {
      Matcher run = Pattern.compile("M(\\d+) (\\d+)h(\\d+)").matcher(path.getAttribute("d"));
      while (run.find()) {
        int from = Integer.parseInt(run.group(1));
        for (int i = 0; i < Integer.parseInt(run.group(3)); i++) {
          assertTrue(cells.add(List.of(Integer.parseInt(run.group(2)) / ChannelMap.PITCH, from + i)), "a cell is drawn twice");
        }
      }
    }
    return cells;
  }

  private static List<double[]> points(Element path) {
    List<double[]> points = new ArrayList<>();
    Matcher point = Pattern.compile("[ML]([\\d.]+) ([\\d.]+)").matcher(path.getAttribute("d"));
    while (point.find()) {
      points.add(new double[] {Double.parseDouble(point.group(1)), Double.parseDouble(point.group(2))});
    }
    return points;
  }
}
