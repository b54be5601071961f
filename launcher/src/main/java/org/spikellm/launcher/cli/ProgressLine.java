package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.DoubleSupplier;
import me.tongfei.progressbar.ProgressBarRenderer;
import me.tongfei.progressbar.ProgressState;

/**
 * The line of a progress bar, which fits the terminal: {@code Quantizing  45 % ━━━━━━━━  0:26 left  33 samples/s  65/672  loss 0.12}.
 * Where that is too long the count goes first, then the rate's unit, the rate, the time and the bar; what is said of the step at hand
 * stays.
 */
final class ProgressLine implements ProgressBarRenderer {

  private static final int LEAST_BAR = 8;
  private static final int MOST_BAR = 40;
  private static final String DONE = "\033[33m";
  private static final String REST = "\033[90m";
  private static final String PLAIN = "\033[0m";

  private final String unit;
  private final int columns;
  private final boolean colors;
  private final DoubleSupplier rate;

  /** @param rate units a second, or NaN where it is not known yet */
  ProgressLine(String unit, int columns, boolean colors, DoubleSupplier rate) {
    this.unit = unit;
    this.columns = columns;
    this.colors = colors;
    this.rate = rate;
  }

  @Override
  public String render(ProgressState state, int ignored) {
    String note = state.getExtraMessage() == null ? "" : state.getExtraMessage().strip();
    return line(state.getTaskName(), state.getCurrent(), state.getMax(), note, rate.getAsDouble());
  }

  String line(String label, long done, long total, String note, double rate) {
    int width = columns - 1;   // a full line would wrap
    double share = total <= 0 ? 0 : Math.min(1, (double) done / total);
    String start = label + String.format(Locale.ROOT, " %3d %% ", (int) (100 * share));
    String end = note.isEmpty() ? "" : "  " + note;
    List<List<String>> more = new ArrayList<>();
    if (rate > 0) {
      more.add(List.of(time(Math.round((total - done) / rate)) + " left"));
      String number = String.format(Locale.ROOT, rate < 10 ? "%.2f" : "%.0f", rate);
      more.add(List.of(number + " " + unit + "/s", number + "/s"));
    }
    more.add(List.of(done + "/" + total));
    StringBuilder known = new StringBuilder();
    for (List<String> spellings : more) {
      int room = width - start.length() - LEAST_BAR - known.length() - 2 - end.length();
      spellings.stream().filter(part -> part.length() <= room).findFirst().ifPresent(part -> known.append("  ").append(part));
    }
    int bar = Math.min(MOST_BAR, width - start.length() - known.length() - end.length());
    String line = start + (bar < LEAST_BAR ? "" : bar(bar, share)) + known + (bar < LEAST_BAR ? end.strip() : end);
    return bar < LEAST_BAR && line.length() > width ? line.substring(0, Math.max(0, width)) : line;
  }

  private String bar(int length, double share) {
    int done = (int) Math.round(share * length);
    return (colors ? DONE : "") + "━".repeat(done) + (colors ? REST + "━".repeat(length - done) + PLAIN : "─".repeat(length - done));
  }

  /** Hours where there are any, minutes and seconds. */
  private static String time(long seconds) {
    return seconds < 3600 ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
  }
}
