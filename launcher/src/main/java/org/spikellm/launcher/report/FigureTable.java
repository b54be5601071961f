package org.spikellm.launcher.report;

import java.util.List;

/**
 * A table of figures.
 *
 * @param title above it; empty in a fold, which has its own
 * @param note below it, or empty
 * @param words columns, from the first, that hold words
 * @param heads one a column
 * @param rows as many cells as there are heads; fewer leave the last ones empty
 */
public record FigureTable(String title, String note, int words, List<String> heads, List<List<String>> rows) {

  /** Rows beyond which a table is folded that is not folded already. */
  private static final int MOST = 30;

  void write(Markup out) {
    boolean folded = rows.size() > MOST && !title.isEmpty();  // without a title it is in a fold
    if (!title.isEmpty()) {
      out.element("h3", title);
    }
    if (folded) {
      out.open("details").element("summary", rows.size() + " rows");
    }
    out.open("div", "class", "wide").open("table").open("thead").open("tr");
    for (int i = 0; i < heads.size(); i++) {
      out.element("th", heads.get(i), "scope", "col", "class", i < words ? "words" : "figure");
    }
    out.close().close().open("tbody").line();
    for (List<String> row : rows) {
      out.open("tr");
      for (int i = 0; i < heads.size(); i++) {
        String cell = i < row.size() ? row.get(i) : "";
        if (i == 0) {
          out.element("th", cell, "scope", "row");
        } else {
          out.element("td", cell, "class", i < words ? "words" : "figure");
        }
      }
      out.close().line();
    }
    out.close().close().close();
    if (folded) {
      out.close();
    }
    if (!note.isEmpty()) {
      out.element("p", note, "class", "note");
    }
    out.line();
  }
}
