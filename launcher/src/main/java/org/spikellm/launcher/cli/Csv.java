package org.spikellm.launcher.cli;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A table for programs, as RFC 4180 has it: a heading, lines that end in CR LF, quotes where they are needed. */
final class Csv {

  private static final String END = "\r\n";

  private Csv() {}

  /**
   * The table of rows that {@code --json} would print as objects: a column for each of their fields, those of objects within
   * them as {@code outer.inner}. What a row lacks, and what is no number, is empty.
   */
  static String of(List<? extends Map<String, ?>> rows) {
    List<Map<String, Object>> flat = rows.stream().map(row -> {
      Map<String, Object> cells = new LinkedHashMap<>();
      flatten("", row, cells);
      return cells;
    }).toList();
    Set<String> columns = new LinkedHashSet<>();
    flat.forEach(row -> columns.addAll(row.keySet()));
    return Stream.concat(Stream.of(line(columns.stream())), flat.stream().map(row -> line(columns.stream().map(row::get))))
        .collect(Collectors.joining());
  }

  private static void flatten(String prefix, Map<?, ?> row, Map<String, Object> cells) {
    row.forEach((name, value) -> {
      if (value instanceof Map<?, ?> inner) {
        flatten(prefix + name + ".", inner, cells);
      } else {
        cells.put(prefix + name, value);
      }
    });
  }

  private static String line(Stream<?> cells) {
    return cells.map(Csv::cell).collect(Collectors.joining(",", "", END));
  }

  private static String cell(Object value) {
    if (value == null || value instanceof Double number && !Double.isFinite(number)) {
      return "";
    }
    String text = value.toString();
    return text.matches("(?s).*[\",\r\n].*") ? '"' + text.replace("\"", "\"\"") + '"' : text;
  }
}
