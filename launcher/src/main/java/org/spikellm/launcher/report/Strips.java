package org.spikellm.launcher.report;

/** Rows of cells in a few colours, drawn as one path a colour: runs of equal cells. */
final class Strips {

  private Strips() {}

  /**
   * Draws rows; a cell is one unit wide.
   *
   * @param values colour of each cell; 0 has one too, below 0 stays empty
   * @param pitch from one row to the next
   * @param thickness of a row
   * @param offset of the first row's upper edge
   * @param name class of a colour, before its number
   * @param highest colour
   */
  static void draw(Markup out, byte[][] values, double pitch, double thickness, double offset, String name, int highest) {
    out.open("g", "transform", "translate(0 " + Numbers.at(offset + thickness / 2) + ")", "stroke-width", Numbers.at(thickness));
    for (int value = 0; value <= highest; value++) {
      StringBuilder path = new StringBuilder();
      for (int r = 0; r < values.length; r++) {
        byte[] row = values[r];
        for (int from = 0; from < row.length;) {
          int to = from;
          while (to < row.length && row[to] == value) {
            to++;
          }
          if (to > from) {
            path.append('M').append(from).append(' ').append(Numbers.at(r * pitch)).append('h').append(to - from);
          }
          from = Math.max(to, from + 1);
        }
      }
      if (!path.isEmpty()) {
        out.empty("path", "class", name + value, "d", path.toString());
      }
    }
    out.close().line();
  }
}
