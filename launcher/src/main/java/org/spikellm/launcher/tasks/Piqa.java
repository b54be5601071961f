package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.List;

/** PIQA: which of two ways leads to a goal. Its labels may lie in a file beside the items. */
record Piqa() implements TaskKind {

  @Override
  public String id() {
    return "piqa";
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("goal", "sol1", "sol2");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.isQuery();
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.isQuery()) {
      return row.query(context(row.question()));
    }
    List<String> ways = List.of(row.text("sol1"), row.text("sol2"));
    return TaskItem.of(row.line(), context(row.text("goal")), ways, row.index("label", 0, ways.size()));
  }

  private static String context(String goal) {
    return "Question: " + goal + "\nAnswer:";
  }
}
