package org.spikellm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
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
    assertEquals(3, executed(document.getDocumentElement()), "tables, ECharts and charts");
    assertEquals(1, page.split("Licensed to the Apache Software Foundation", -1).length - 1, "ECharts, once, with its licence");
    assertEquals(1, Reports.elements(document.getDocumentElement(), "noscript").size());
    for (String outside : List.of("http:", "https:", "//", "url(", "@import", "src=", "href=", "<link")) {
      assertFalse(Reports.withoutScripts(page).contains(outside), outside);
    }
    Matcher selfClosed = Pattern.compile("<([a-z]+)[^<>]*/>").matcher(Reports.withoutScripts(page));
    Set<String> names = new HashSet<>();
    while (selfClosed.find()) {
      names.add(selfClosed.group(1));
    }
    assertEquals(Set.of("meta"), names, "what HTML lets end itself");
  }

  private static long executed(Element root) {
    return Reports.elements(root, "script").stream().filter(script -> !script.hasAttribute("type")).count();
  }

  /** No other script runs: the policy names those of the page by their hashes. */
  @Test
  void thePolicyNamesEveryScript() throws Exception {
    String page = Page.of(tiny(2));
    String policy = Reports.elements(Reports.parse(page).getDocumentElement(), "meta").stream()
        .map(meta -> meta.getAttribute("content")).filter(content -> content.contains("script-src")).findFirst().orElseThrow();
    Matcher script = Pattern.compile("(?s)<script>(.*?)</script>").matcher(page);
    int count = 0;
    while (script.find()) {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(script.group(1).getBytes(StandardCharsets.UTF_8));
      assertTrue(policy.contains("'sha256-" + Base64.getEncoder().encodeToString(hash) + "'"), policy);
      count++;
    }
    assertEquals(count, policy.split("sha256-", -1).length - 1, "as many as it names");
    assertTrue(policy.startsWith("default-src 'none'"), policy);
    assertFalse(policy.replaceFirst("style-src 'unsafe-inline'", "").contains("unsafe"), policy);
  }

  @Test
  void idsAreUniqueAndChartsHaveWords() throws IOException {
    Element root = Reports.parse(Page.of(tiny(5))).getDocumentElement();
    List<String> ids = Reports.elements(root, "section").stream().map(e -> e.getAttribute("id")).toList();
    assertEquals(ids.size(), new HashSet<>(ids).size());
    List<Element> places = Reports.ofClass(root, "div", "chart");
    assertEquals(1 + 2 + 2 * 9 + 1, places.size(), "perplexity, losses, a map and curves a layer, sizes");
    assertEquals(places.size(), Reports.charts(root).size());
    places.forEach(place -> assertFalse(place.getAttribute("aria-label").isBlank()));
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
    assertEquals(3, executed(root) + Reports.elements(root, "b").size());
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
    List<Map<String, Object>> charts = Reports.charts(section);
    assertEquals(2, charts.size(), "losses, and as shares of the first");
    List<Map<String, Object>> lines = Reports.maps(charts.getFirst(), "series");
    assertEquals(List.of("block 0", "block 1", "block 2"), lines.stream().map(line -> line.get("name")).toList());
    for (int b = 0; b < lines.size(); b++) {
      List<double[]> points = Reports.rows(lines.get(b), "points");
      List<double[]> shares = Reports.rows(Reports.maps(charts.get(1), "series").get(b), "points");
      assertEquals(epochs, points.size());
      for (int e = 0; e < epochs; e++) {
        double first = Math.exp(b / 4.0) * 1e-3;
        assertEquals(e + 1, points.get(e)[0]);
        assertEquals(first / (e + 1), points.get(e)[1], first * 5e-4, "four digits");
        assertEquals(1.0 / (e + 1), shares.get(e)[1], 5e-4);
      }
    }
    assertTrue(section.getTextContent().contains("−85.7 %"), section.getTextContent());
    // Losses of 1e-3 to 1e-3·e^0.5 fall to a seventh: a factor of 11.5, which is wide. A seventh alone is not.
    assertEquals(Map.of("name", "mean loss, logarithmic", "unit", "number", "logarithmic", 2L), charts.getFirst().get("y"));
    assertEquals(0L, ((Map<?, ?>) charts.get(1).get("y")).get("logarithmic"));
  }

  @Test
  void whereNothingIsTrainedThePageSaysSo() throws IOException {
    Element section = Reports.section(Reports.parse(Page.of(tiny(0))), "losses");
    assertEquals(List.of(), Reports.charts(section));
    assertTrue(section.getTextContent().contains("rtn computed its weights in one pass"), section.getTextContent());
  }

  /** Channels of a small layer have a column each. */
  @Test
  void everyChannelOfASmallLayerIsInItsPlace() throws IOException {
    QuantizationReport report = tiny(1);
    List<Map<String, Object>> maps = Reports.charts(Reports.section(Reports.parse(Page.of(report)), "salience")).stream()
        .filter(chart -> chart.get("kind").equals("map")).toList();
    assertEquals(report.layers().size(), maps.size());
    for (int i = 0; i < maps.size(); i++) {
      List<double[]> scores = Reports.rows(Reports.maps(maps.get(i), "parts").get(0), "values");
      List<double[]> marks = Reports.rows(Reports.maps(maps.get(i), "parts").get(1), "values");
      int salient = 0;
      for (int b = 0; b < scores.size(); b++) {
        LayerChannels row = report.layers().get(i).get(b);
        double median = row.sorted()[row.channels() / 2];
        for (int c = 0; c < row.channels(); c++) {
          assertEquals(row.scores()[c] / median, scores.get(b)[c], row.scores()[c] / median * 1e-3, row.layer());
          assertEquals(row.salient(c) ? 1 : 0, marks.get(b)[c], row.layer());
          salient += row.salient(c) ? 1 : 0;
        }
      }
      assertTrue(salient > 0, "no salient channel in the example");
    }
  }

  @Test
  void perplexitySizesAndProvenanceAreThere() throws IOException {
    Document page = Reports.parse(Page.of(tiny(2)));
    String perplexity = Reports.section(page, "perplexity").getTextContent();
    for (String part : List.of("10.00", "12.50", "+2.50 (+25 %)", "2 windows of 256 tokens", "a text")) {
      assertTrue(perplexity.contains(part), part + " in " + perplexity);
    }
    List<Map<String, Object>> bars = Reports.maps(Reports.charts(Reports.section(page, "perplexity")).getFirst(), "series");
    assertEquals(List.of(10L, 8L, 12.5), bars.get(0).get("values"), "all, and window by window");
    assertEquals(List.of(12.5, 12.5, 12.5), bars.get(1).get("values"));
    assertEquals(List.of(2_000_000L, 520_000L), Reports.maps(Reports.charts(Reports.section(page, "sizes")).getFirst(), "series")
        .getFirst().get("values"));
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
    int data = Reports.withoutScripts(page).length();
    assertTrue(data < 2_500_000, data + " characters beside ECharts");
    assertTrue(page.contains("Up to 22 neighbours share a column"), "11,008 channels on 512 columns");
  }
}
