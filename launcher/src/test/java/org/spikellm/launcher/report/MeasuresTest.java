package org.spikellm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.launcher.workflow.SpikeRaster;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Pages about what was measured. */
class MeasuresTest {

  private static final String EVIL = "</style><script>alert('x')</script><!--&\"\u2028\u0000";

  private static Measures measures(List<FigureTable> tables, List<ParetoPoint> points, boolean lower, Map<String,
      SpikeRaster> rasters) {
    return new Measures(EVIL, EVIL, "spikellm test", tables,
        points.isEmpty() ? List.of() : List.of(new Pareto("quality", lower, points)), "a table", Map.of(), rasters);
  }

  @Test
  void theFrontIsWhatNoOtherBeatsInBoth() {
    List<ParetoPoint> points = List.of(new ParetoPoint("a", 1, 30), new ParetoPoint("b", 2, 20),
        new ParetoPoint("worse than b", 2, 21),
        new ParetoPoint("worse than b too", 3, 20), new ParetoPoint("c", 4, 10), new ParetoPoint("d", 5, 11));
    assertEquals(List.of("a", "b", "c"), ParetoSection.front(points, true).stream().map(ParetoPoint::name).toList());
    assertEquals(List.of("a"), ParetoSection.front(points, false).stream().map(ParetoPoint::name).toList());
  }

  @Test
  void everyPointIsDrawnAndWhatIsNotFiniteLeftOut() throws IOException {
    List<ParetoPoint> points = List.of(new ParetoPoint("a", 1e-6, 30), new ParetoPoint("b", 2e-6, 20),
        new ParetoPoint("n", 2e-6, Double.NaN),
        new ParetoPoint(EVIL, 1e-5, 25));
    String text = measures(List.of(), points, true, Map.of()).page();
    String json = text.replaceFirst("(?s).*<script type=\"application/json\">(.*?)</script>.*", "$1");
    assertTrue(json.contains("alert") && !json.matches("(?s).*[<>&\u2028].*"), json);
    Document page = Reports.parse(text);
    Element section = Reports.section(page, "pareto");
    Map<String, Object> chart = Reports.charts(section).getFirst();
    assertEquals(List.of("a", "b", EVIL), Reports.maps(chart, "points").stream().map(point -> point.get("name")).toList());
    assertEquals(List.of(true, true, false), Reports.maps(chart, "points").stream().map(point -> point.get("best")).toList());
    assertEquals(List.of(List.of(1L, 30L), List.of(2L, 20L)), chart.get("line"), "µJ and quality of the best");
    assertEquals(3, Reports.elements((Element) section.getElementsByTagName("tbody").item(0), "tr").size());
  }

  @Test
  void tablesAreEscapedAndWhole() throws IOException {
    FigureTable table = new FigureTable(EVIL, EVIL, 1, List.of("model", EVIL), List.of(List.of(EVIL, "1"), List.of("b")));
    String page = measures(List.of(table), List.of(), true, Map.of()).page();
    Element root = Reports.parse(page).getDocumentElement();
    assertFalse(page.contains("<script>alert") || page.contains("\u0000"));
    assertEquals(1, Reports.elements(root, "script").size(), "without charts only that of tables");
    assertFalse(page.contains("Licensed to the Apache Software Foundation"), "nor ECharts");
    assertEquals(2 * 2, Reports.elements(root, "td").size() + Reports.elements((Element) root.getElementsByTagName("tbody")
        .item(0), "th").size());
  }

  /** Each spike is a cell at its token, step and channel, its colour its level. */
  @Test
  void aRasterHasEverySpikeInItsPlace() throws IOException {
    short[][][] levels = {{{0, 2, 0}, {0, 1, 0}}, {{1, 0, 2}, {0, 0, 0}}};
    SpikeRaster raster = new SpikeRaster("a b", List.of("a", " b"), "0.mlp.down_proj", new byte[] {0, 1, 0}, new int[] {1, 2},
        levels);
    Document page = Reports.parse(measures(List.of(), List.of(), true, Map.of("m", raster)).page());
    Map<String, Object> chart = Reports.charts(page.getDocumentElement()).getFirst();
    List<Map<String, Object>> parts = Reports.maps(chart, "parts");
    assertEquals(List.of("0", "2"), parts.get(0).get("rows"), "plain channels");
    assertEquals(List.of(List.of(0L, 0L, 1L, 0L), List.of(0L, 0L, 2L, 0L)), parts.get(0).get("values"));
    assertEquals(List.of("1"), parts.get(1).get("rows"), "salient ones");
    assertEquals(List.of(List.of(2L, 1L, 0L, 0L)), parts.get(1).get("values"));
    assertEquals(List.of("a", "b"), chart.get("words"));
    assertTrue(page.getDocumentElement().getTextContent().contains("2 tokens, 2 time steps each"));
  }
}
