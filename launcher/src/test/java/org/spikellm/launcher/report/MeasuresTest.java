package org.spikellm.launcher.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.spikellm.launcher.workflow.SpikeRaster;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Pages about what was measured. */
class MeasuresTest {

  private static final String EVIL = "</style><script>alert('x')</script>&\"\u0000";

  private static Measures measures(List<FigureTable> tables, List<ParetoPoint> points, boolean lower, Map<String,
      SpikeRaster> rasters) {
    return new Measures(EVIL, EVIL, "spikellm test", tables, points, "quality", lower, "a table", Map.of(), rasters);
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
    Document page = Reports.parse(measures(List.of(), points, true, Map.of()).page());
    Element section = Reports.section(page, "pareto");
    assertEquals(2, Reports.ofClass(section, "path", "dot best").size());
    assertEquals(1, Reports.ofClass(section, "path", "dot").size());
    assertEquals(3, Reports.elements((Element) section.getElementsByTagName("tbody").item(0), "tr").size());
  }

  @Test
  void tablesAreEscapedAndWhole() throws IOException {
    FigureTable table = new FigureTable(EVIL, EVIL, 1, List.of("model", EVIL), List.of(List.of(EVIL, "1"), List.of("b")));
    String page = measures(List.of(table), List.of(), true, Map.of()).page();
    Element root = Reports.parse(page).getDocumentElement();
    assertFalse(page.contains("<script>alert") || page.contains("\u0000"));
    assertEquals(1, Reports.elements(root, "script").size());
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
    List<Element> maps = Reports.ofClass(page.getDocumentElement(), "svg", "map");
    assertEquals(1, maps.size());
    // Two levels on eight colours: 1 is the fourth, 2 the eighth. Plain rows are channels 0 and 2, the salient one is channel 1.
    assertEquals(Set.of(List.of(0, 2), List.of(0, 1)), cells(maps.getFirst(), "l4"),
        "level 1: channel 0 at token 1; channel 1 at step 1");
    assertEquals(Set.of(List.of(1, 2), List.of(0, 0)), cells(maps.getFirst(), "l8"),
        "level 2: channel 2 at token 1; channel 1 at step 0");
    assertTrue(page.getDocumentElement().getTextContent().contains("2 tokens, 2 time steps each"));
  }

  private static Set<List<Integer>> cells(Element map, String style) {
    Set<List<Integer>> cells = new HashSet<>();
    for (Element path : Reports.ofClass(map, "path", style)) {
      Matcher run = Pattern.compile("M(\\d+) (\\d+)h(\\d+)").matcher(path.getAttribute("d"));
      while (run.find()) {
        for (int i = 0; i < Integer.parseInt(run.group(3)); i++) {
          cells.add(List.of(Integer.parseInt(run.group(2)) / 4, Integer.parseInt(run.group(1)) + i));
        }
      }
    }
    return cells;
  }
}
