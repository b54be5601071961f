package org.spikellm.launcher.cli;

import java.io.PrintStream;
import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;
import org.spikellm.launcher.workflow.Progress;

/** Progress on standard error: a bar with rate and remaining time on a terminal, a plain line now and then elsewhere. */
final class TerminalProgress implements Progress {

  private static final long LINE_INTERVAL_NANOS = 10_000_000_000L;

  private final PrintStream err;
  private final boolean terminal;
  private ProgressBar bar;
  private String label;
  private String unit;
  private long total;
  private volatile long first;
  private long began;
  private long lastLine;
  private volatile long done;

  TerminalProgress(PrintStream err, boolean terminal) {
    this.err = err;
    this.terminal = terminal;
  }

  /**
   * Where the bar's line is written anew. The library's own leaves the end of a longer line before it.
   *
   * @param getMaxRenderedLength the terminal's columns
   */
  record Line(PrintStream err, int getMaxRenderedLength) implements ProgressBarConsumer {

    private static final String CLEARED = "\033[K";

    @Override
    public void accept(String line) {
      err.print("\r" + line + CLEARED);
      err.flush();
    }

    @Override
    public void clear() {
      accept("");
    }

    @Override
    public void close() {
      err.flush();
    }
  }

  @Override
  public void begin(String label, long total, String unit) {
    end();
    this.label = label;
    this.unit = unit;
    this.total = total;
    this.first = -1;
    this.began = System.nanoTime();
    this.lastLine = began;
    if (terminal) {
      int columns = Terminal.columns();
      bar = new ProgressBarBuilder().setTaskName(label).setInitialMax(total).setUpdateIntervalMillis(200).clearDisplayOnFinish()
          .setRenderer(new ProgressLine(unit, columns, Terminal.hasColors(), this::rate))
          .setConsumer(new Line(err, columns)).build();
    }
  }

  @Override
  public void at(long done) {
    if (first < 0) {
      first = done - 1;  // what an earlier run did took no time of this one
    }
    this.done = done;
    if (bar != null) {
      bar.stepTo(done);
      return;
    }
    long now = System.nanoTime();
    if (label != null && !terminal && now - lastLine >= LINE_INTERVAL_NANOS) {
      lastLine = now;
      double rate = rate();
      err.printf(Locale.ROOT, "%s: %d of %d %s, %.1f a second, %.0f s left%n", label, done, total, unit, rate, (total - done) / rate);
    }
  }

  /** Units a second, NaN before the first. */
  private double rate() {
    return first < 0 ? Double.NaN : (done - first) / ((System.nanoTime() - began) / 1e9);
  }

  @Override
  public void end() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
    label = null;
  }

  @Override
  public void say(String line) {
    if (bar != null) {
      bar.pause();
    }
    err.println((terminal ? "\r\033[K" : "") + line);
    if (bar != null) {
      bar.resume();
    }
  }

  @Override
  public void note(String text) {
    if (bar != null) {
      bar.setExtraMessage(text);
    } else {
      err.println(text);
    }
  }
}
