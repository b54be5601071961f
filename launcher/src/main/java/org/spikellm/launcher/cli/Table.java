package org.spikellm.launcher.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.spikellm.launcher.report.FigureTable;

/** A table for people: the first column to the left, the others to the right unless told otherwise. */
final class Table {

  private final List<String[]> rows = new ArrayList<>();
  /** How many columns, from the first, stand to the left. */
  private int left = 1;

  /** Adds a row; the first is the heading. */
  Table row(String... cells) {
    rows.add(cells);
    return this;
  }

  /** All columns to the left: for words rather than numbers. */
  Table leftAligned() {
    return leftAligned(Integer.MAX_VALUE);
  }

  /** The first columns to the left. */
  Table leftAligned(int columns) {
    left = columns;
    return this;
  }

  /** The same for a page, whose reader may sort it: words that stand for the rows below them too are written in each. */
  FigureTable figures(String title, String note) {
    int words = Math.min(left, rows.getFirst().length);
    List<List<String>> filled = new ArrayList<>();
    for (String[] row : rows.subList(1, rows.size())) {
      String[] cells = row.clone();
      for (int c = 0; c < words && !filled.isEmpty(); c++) {
        cells[c] = cells[c].isEmpty() ? filled.getLast().get(c) : cells[c];
      }
      filled.add(List.of(cells));
    }
    return new FigureTable(title, note, words, List.of(rows.getFirst()), filled);
  }

  void print(PrintStream out) {
    int columns = rows.stream().mapToInt(row -> row.length).max().orElse(0);
    int[] width = new int[columns];
    for (String[] row : rows) {
      for (int c = 0; c < row.length; c++) {
        width[c] = Math.max(width[c], row[c].length());
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < row.length; c++) {
        String padding = " ".repeat(width[c] - row[c].length());
        line.append(c == 0 ? "" : "  ").append(c < left ? row[c] + padding : padding + row[c]);
      }
      out.println(line.toString().stripTrailing());
    }
  }

  /** A size, as people read it. */
  static String bytes(long bytes) {
    double value = bytes;
    String[] units = {"B", "kB", "MB", "GB", "TB"};
    int unit = 0;
    while (value >= 1000 && unit < units.length - 1) {
      value /= 1000;
      unit++;
    }
    return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, value < 10 ? "%.2f %s" : "%.1f %s", value, units[unit]);
  }
}
