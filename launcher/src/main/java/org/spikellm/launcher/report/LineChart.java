package org.spikellm.launcher.report;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/** Lines over two axes, drawn as SVG. */
final class LineChart {

  private static final int LEFT = 64;
  private static final int RIGHT = 22;
  private static final int TOP = 10;
  private static final int BOTTOM = 40;

  private final Markup out;
  private final int width;
  private final int height;
  private Axis x;
  private Axis y;

  /**
   * A line.
   *
   * @param label what a reader sees who points at it
   * @param hue its place, 0 to 1, among all lines
   * @param x as many as {@code y}
   * @param y what is not finite leaves a gap
   */
  record Line(String label, double hue, double[] x, double[] y) {}

  LineChart(Markup out, int width, int height) {
    this.out = out;
    this.width = width;
    this.height = height;
  }

  double left() {
    return LEFT;
  }

  double right() {
    return width - RIGHT;
  }

  double top() {
    return TOP;
  }

  double bottom() {
    return height - BOTTOM;
  }

  /** Begins the drawing; {@code label} says in words what it shows. */
  LineChart begin(String label, Axis x, Axis y) {
    this.x = x;
    this.y = y;
    out.open("svg", "viewBox", "0 0 " + width + " " + height, "role", "img", "aria-label", label, "class", "chart");
    return this;
  }

  /** Grid lines, ticks and titles. */
  LineChart axes(String xTitle, List<Double> xTicks, DoubleFunction<String> xText, String yTitle) {
    for (double tick : y.ticks()) {
      String at = Numbers.at(y.at(tick));
      out.empty("path", "class", "grid", "d", "M" + LEFT + " " + at + "H" + Numbers.at(right()));
      out.element("text", Numbers.three(tick), "x", String.valueOf(LEFT - 6), "y", at, "class", "tick y");
    }
    for (double tick : xTicks) {
      String at = Numbers.at(x.at(tick));
      out.empty("path", "class", "grid", "d", "M" + at + " " + Numbers.at(bottom()) + "v4");
      out.element("text", xText.apply(tick), "x", at, "y", Numbers.at(bottom() + 16), "class", "tick x");
    }
    out.element("text", xTitle, "x", Numbers.at((left() + right()) / 2), "y", String.valueOf(height - 6), "class", "axis");
    String middle = Numbers.at((top() + bottom()) / 2);
    out.element("text", yTitle + (y.logarithmic() ? ", logarithmic" : ""), "x", "12", "y", middle, "class", "axis", "transform",
        "rotate(-90 12 " + middle + ")");
    return this;
  }

  LineChart line(Line line) {
    StringBuilder path = new StringBuilder();
    boolean down = false;
    for (int i = 0; i < line.x().length; i++) {
      if (!Double.isFinite(line.y()[i])) {
        down = false;
        continue;
      }
      path.append(down ? 'L' : 'M').append(Numbers.at(x.at(line.x()[i]))).append(' ').append(Numbers.at(y.at(line.y()[i])));
      down = true;
    }
    if (path.indexOf("L") < 0) {
      path.append("h0.1");  // a single point: round line ends make a dot of it
    }
    out.open("path", "class", "line", "stroke", colour(line.hue()), "d", path.toString());
    out.element("title", line.label()).close().line();
    return this;
  }

  void end() {
    out.close().line();
  }

  /** From blue over violet to orange, of a lightness that is seen on white and on black. */
  static String colour(double hue) {
    return String.format(Locale.ROOT, "hsl(%.0f 68%% 52%%)", 215 + hue * 175);
  }
}
