package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tables as RFC 4180 has them. */
class CsvTest {

  private static Map<String, Object> row(Object... namesAndValues) {
    Map<String, Object> row = new LinkedHashMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      row.put((String) namesAndValues[i], namesAndValues[i + 1]);
    }
    return row;
  }

  @Test
  void columnsAreThoseOfAllRowsAndMissingCellsEmpty() {
    assertEquals("a,b,c\r\n1,,\r\n2,x,0.5\r\n,,\r\n", Csv.of(List.of(row("a", 1), row("a", 2L, "b", "x", "c", 0.5),
        row("a", Double.NaN, "b", null))));
  }

  @Test
  void objectsWithinBecomeColumns() {
    assertEquals("name,rate.min,rate.max\r\nx,1,2\r\n", Csv.of(List.of(row("name", "x", "rate", row("min", 1, "max", 2)))));
  }

  @Test
  void countsOfEveryLayerAndTheirSum() {
    Program run = Program.run("cost", ModelCopy.ORIGINAL.toString(), "--csv", "--limit", "1", "--sequence", "16", "--quiet");
    assertEquals(0, run.status(), run.err());
    String[] lines = run.out().split("\r\n");
    assertEquals(1 + 6 * 7 + 1, lines.length);
    assertEquals(List.of("layer", "macs"), Arrays.asList(lines[0].split(",")).subList(0, 2));
    long sum = Arrays.stream(lines).skip(1).limit(6 * 7).mapToLong(line -> Long.parseLong(line.split(",")[1])).sum();
    assertEquals(List.of("all", String.valueOf(sum)), Arrays.asList(lines[lines.length - 1].split(",")).subList(0, 2));
  }

  @Test
  void everyClassOfEveryLayer() {
    Program run = Program.run("inspect", ModelCopy.ORIGINAL.toString(), "--csv");
    assertEquals(0, run.status(), run.err());
    String[] lines = run.out().split("\r\n");
    assertEquals(1 + 6 * 7, lines.length);
    assertEquals(List.of("layer", "rows", "columns", "weights", "weight_form", "weight_bits", "sparsity"), Arrays.asList(lines[0].split(",")));
    assertEquals("0.self_attn.q_proj", lines[1].split(",")[0]);
    assertEquals(2, Program.run("inspect", ModelCopy.ORIGINAL.toString(), "--csv", "--json").status());
  }

  @Test
  void whatWouldBreakALineIsQuoted() {
    String[] texts = {"a,b", "say \"so\"", "two\nlines", "a\rb", " plain ", ""};
    String[] cells = {"\"a,b\"", "\"say \"\"so\"\"\"", "\"two\nlines\"", "\"a\rb\"", " plain ", ""};
    List<Map<String, Object>> rows = Arrays.stream(texts).map(text -> row("t", text)).toList();
    assertEquals("t\r\n" + String.join("\r\n", cells) + "\r\n", Csv.of(rows));
  }
}
