package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.launcher.workflow.SpikeRaster;

/** The spikes of a prompt as a raster: time from left to right, token by token and step by step, a row a channel. */
final class RasterSection {

  /** Channels of each class that are drawn, at most. */
  private static final int ROWS = 64;
  /** Columns that are drawn, at most: a token has as many as there are steps. */
  private static final int CELLS = 512;

  private RasterSection() {}

  static void write(Markup out, String model, SpikeRaster raster) {
    out.open("section", "class", "raster").element("h2", "Spikes of a prompt: " + model);
    int steps = raster.levels()[0].length;
    int tokens = Math.min(raster.tokens().size(), Math.max(1, CELLS / steps));
    out.element("p", "What the neurons before " + raster.layer() + " fire while the model reads this: “" + raster.prompt()
        + "” Time runs to the right: " + tokens + " tokens, " + steps + (steps == 1 ? " time step each." : " time steps each.")
        + " A row is a channel, the darker the more levels fire at once. A channel has done with a token after the steps of "
        + "its class and is silent until the next.");
    List<Map<String, Object>> parts = new ArrayList<>();
    int highest = 1;
    for (int c = 0; c < raster.stepsOf().length; c++) {
      int[] all = channels(raster, c);
      int shown = Math.min(ROWS, all.length);
      int[] rows = IntStream.range(0, shown).map(i -> all[(int) ((long) i * all.length / shown)]).toArray();
      List<int[]> levels = Arrays.stream(rows).mapToObj(channel -> levels(raster, channel, tokens, steps)).toList();
      highest = Math.max(highest, levels.stream().flatMapToInt(Arrays::stream).max().orElse(1));
      if (shown > 0) {
        parts.add(Map.of("name", c == 0 ? "plain channels" : "salient channels", "unit", "levels", "scale", 0,
            "rows", Arrays.stream(rows).mapToObj(String::valueOf).toList(),
            "values", levels.stream().map(row -> Arrays.stream(row).boxed().toList()).toList()));
      }
    }
    new Chart("map", "Spikes before " + raster.layer()).with("row", "channel").with("column", "token")
        .with("columns", tokens * steps).with("steps", steps).with("words", words(raster, tokens)).with("parts", parts)
        .with("scales", List.of(Map.of("low", 0, "high", highest, "logarithmic", false, "colours", "l")))
        .write(out, classes(raster));
    table(out, raster, tokens);
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

  private static int[] channels(SpikeRaster raster, int c) {
    return IntStream.range(0, raster.classOf().length).filter(channel -> raster.classOf()[channel] == c).toArray();
  }

  /** The levels that a channel fires, either sign, token by token and step by step. */
  private static int[] levels(SpikeRaster raster, int channel, int tokens, int steps) {
    return IntStream.range(0, tokens * steps).map(i -> Math.abs(raster.levels()[i / steps][i % steps][channel])).toArray();
  }

  private static List<String> words(SpikeRaster raster, int tokens) {
    return raster.tokens().subList(0, tokens).stream().map(token -> token.isBlank() ? "␣" : token.strip()).toList();
  }

  private static void table(Markup out, SpikeRaster raster, int tokens) {
    List<List<String>> rows = new ArrayList<>();
    for (int token = 0; token < tokens; token++) {
      short[][] steps = raster.levels()[token];
      boolean[] fired = new boolean[raster.classOf().length];
      long levels = 0;
      for (short[] step : steps) {
        for (int channel = 0; channel < fired.length; channel++) {
          levels += Math.abs(step[channel]);
          fired[channel] |= step[channel] != 0;
        }
      }
      int count = (int) IntStream.range(0, fired.length).filter(channel -> fired[channel]).count();
      rows.add(List.of(String.valueOf(token + 1), words(raster, tokens).get(token), Numbers.whole(count),
          Numbers.percent(count / (double) fired.length), Numbers.whole(levels)));
    }
    out.open("details").element("summary", "In numbers");
    new FigureTable("", "Of all channels, also those that are not drawn.", 2, List.of("no.", "token", "channels that fire",
        "share", "levels fired"), rows).write(out);
    out.close();
  }
}
