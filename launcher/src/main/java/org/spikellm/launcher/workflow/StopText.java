package org.spikellm.launcher.workflow;

import java.util.List;
import java.util.function.Consumer;

/** Generated text that ends before the first of some stop texts; what may be the beginning of one is held back. */
final class StopText {

  private final List<String> stops;
  private final Consumer<String> sink;
  private final StringBuilder text = new StringBuilder();
  private int shown;
  private boolean stopped;

  StopText(List<String> stops, Consumer<String> sink) {
    this.stops = stops;
    this.sink = sink;
  }

  void append(String piece) {
    if (stopped) {
      return;
    }
    text.append(piece);
    for (String stop : stops) {
      int at = text.indexOf(stop, Math.max(0, shown - stop.length()));
      if (at >= 0) {
        text.setLength(at);
        stopped = true;
      }
    }
    show(stopped ? text.length() : text.length() - heldBack());
  }

  /** Length of the longest end of the text that begins a stop text. */
  private int heldBack() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, text.length()); n > longest; n--) {
        if (stop.startsWith(text.substring(text.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }

  private void show(int to) {
    if (to > shown) {
      sink.accept(text.substring(shown, to));
      shown = to;
    }
  }

  boolean stopped() {
    return stopped;
  }

  /** No more is to come: what was held back is shown. */
  void end() {
    show(text.length());
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
