package org.spikellm.launcher.report;

import java.util.stream.IntStream;
import org.spikellm.launcher.workflow.SpikeRaster;

/** The spikes of a prompt as a raster: time from left to right, token by token and step by step, a row a channel. */
final class RasterSection {

  /** Channels of each class that are drawn, at most. */
  private static final int ROWS = 64;
  /** Columns that are drawn, at most: a token has as many as there are steps. */
  private static final int CELLS = 512;
  private static final int LEVELS = 8;
  private static final int LEFT = 76;
  private static final int WIDTH = 820;
  private static final double PITCH = 4;
  private static final int GAP = 6;
  private static final int BOTTOM = 74;

  private RasterSection() {}

  static void write(Markup out, String model, SpikeRaster raster) {
    out.open("section", "class", "raster").element("h2", "Spikes of a prompt: " + model);
    int steps = raster.levels()[0].length;
    int tokens = Math.min(raster.tokens().size(), Math.max(1, CELLS / steps));
    out.element("p", "What the neurons before " + raster.layer() + " fire while the model reads this: “" + raster.prompt()
        + "” Time runs to the right: " + tokens + " tokens, " + steps + (steps == 1 ? " time step each." : " time steps each.")
        + " A row is a channel, the darker the more levels fire at once. A channel has done with a token after the steps of "
            + "its class"
        + " and is silent until the next.");
    int highest = highest(raster, tokens);
    legend(out, highest);
    out.open("figure");
    draw(out, raster, tokens, steps, highest);
    out.element("figcaption", classes(raster)).close().close().line();
  }

  private static void legend(Markup out, int highest) {
    out.open("p", "class", "legend").text("Levels fired in a step: ");
    out.open("span", "class", "swatch").element("i", "", "class", "l0").text("none").close().text(" ");
    for (int level = 1; level <= LEVELS; level++) {
      int to = level * highest / LEVELS;
      int from = (level - 1) * highest / LEVELS + 1;
      if (to >= from) {
        out.open("span", "class", "swatch").element("i", "", "class", "l" + level).text(from == to ? "" + to : from + "–" + to)
            .close().text(" ");
      }
    }
    out.close().line();
  }

  private static String classes(SpikeRaster raster) {
    StringBuilder text = new StringBuilder();
    for (int c = 0; c < raster.stepsOf().length; c++) {
      int all = channels(raster, c).length;
      text.append(c == 0 ? "Plain channels (" : " Salient channels (").append(raster.stepsOf()[c] == 1 ? "1 step"
          : raster.stepsOf()[c] + " steps")
          .append("): ").append(all <= ROWS ? "all " + all : ROWS + " of " + all + ", evenly picked").append('.');
    }
    return text.toString();
  }

  private static int highest(SpikeRaster raster, int tokens) {
    int highest = 1;
    for (int token = 0; token < tokens; token++) {
      for (short[] step : raster.levels()[token]) {
        for (short level : step) {
          highest = Math.max(highest, Math.abs(level));
        }
      }
    }
    return highest;
  }

  private static int[] channels(SpikeRaster raster, int c) {
    return IntStream.range(0, raster.classOf().length).filter(channel -> raster.classOf()[channel] == c).toArray();
  }

  private static void draw(Markup out, SpikeRaster raster, int tokens, int steps, int highest) {
    int classes = raster.stepsOf().length;
    int[][] rows = new int[classes][];
    double height = 0;
    for (int c = 0; c < classes; c++) {
      int[] all = channels(raster, c);
      int shown = Math.min(ROWS, all.length);
      rows[c] = IntStream.range(0, shown).map(i -> all[(int) ((long) i * all.length / shown)]).toArray();
      height += shown * PITCH + GAP;
    }
    double cell = WIDTH / (double) (tokens * steps);
    out.open("svg", "viewBox", "0 0 " + (LEFT + WIDTH + 4) + " " + Numbers.at(height + BOTTOM), "role", "img", "aria-label",
        "Spikes of each channel, token by token and step by step", "class", "map");
    double top = 0;
    for (int c = 0; c < classes; c++) {
      if (rows[c].length > 0) {
        out.element("text", c == 0 ? "plain" : "salient", "x", String.valueOf(LEFT - 8), "y",
            Numbers.at(top + rows[c].length * PITCH / 2),
            "class", "tick y");
        out.open("g", "transform", "translate(" + LEFT + " " + Numbers.at(top) + ") scale(" + cell + " 1)");
        Strips.draw(out, cells(raster, rows[c], tokens, steps, highest), PITCH, PITCH - 0.6, 0, "l", LEVELS);
        out.close();
      }
      top += rows[c].length * PITCH + GAP;
    }
    words(out, raster, tokens, cell * steps, height);
    out.close().line();
  }

  private static byte[][] cells(SpikeRaster raster, int[] channels, int tokens, int steps, int highest) {
    byte[][] cells = new byte[channels.length][tokens * steps];
    for (int r = 0; r < channels.length; r++) {
      for (int token = 0; token < tokens; token++) {
        for (int step = 0; step < steps; step++) {
          int level = Math.abs(raster.levels()[token][step][channels[r]]);
          cells[r][token * steps + step] = (byte) ((level * LEVELS + highest - 1) / highest);
        }
      }
    }
    return cells;
  }

  /** Where tokens begin, and their texts, as many as have room. */
  private static void words(Markup out, SpikeRaster raster, int tokens, double width, double height) {
    int every = Math.max(1, (int) Math.ceil(12 / width));
    StringBuilder marks = new StringBuilder();
    for (int token = 0; token < tokens; token++) {
      marks.append('M').append(Numbers.at(LEFT + token * width)).append(" 0V").append(Numbers.at(height));
      if (token % every == 0) {
        String x = Numbers.at(LEFT + (token + 0.5) * width);
        String text = raster.tokens().get(token).strip();
        String y = Numbers.at(height + 6);
        out.element("text", text.isEmpty() ? "␣" : text.length() > 12 ? text.substring(0, 11) + "…" : text, "x", x, "y", y,
            "class", "token", "transform", "rotate(-60 " + x + " " + y + ")");
      }
    }
    out.empty("path", "class", "beat", "d", marks.toString());
  }
}
