package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.List;

/** LAMBADA: the last word of a passage. */
record Lambada() implements TaskKind {

  @Override
  public String id() {
    return "lambada";
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("context", "continuation");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.has("text");
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.has("context")) {
      return TaskItem.of(row.line(), row.text("context"), List.of(Blanks.strip(row.text("continuation"))), 0);
    }
    String text = row.text("text");
    int gap = text.lastIndexOf(' ');
    if (gap < 0 || gap == text.length() - 1) {
      throw row.wrong("two words or more in 'text', the last one at its end", text);
    }
    return TaskItem.of(row.line(), text.substring(0, gap), List.of(text.substring(gap + 1)), 0);
  }
}
