package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.launcher.tasks.TaskItem.Option;

/** WinoGrande: who is meant. The options stand in the context, and what follows them is scored. */
record WinoGrande() implements TaskKind {

  @Override
  public String id() {
    return "winogrande";
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("sentence", "option1", "option2") || row.has("context_options", "continuation");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return false;
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.has("context_options")) {
      List<String> contexts = row.texts("context_options");
      return item(row, contexts, row.text("continuation"), row.index("gold", 0, contexts.size()));
    }
    String sentence = row.text("sentence");
    int gap = sentence.indexOf('_');
    if (gap < 0) {
      throw row.wrong("a '_' in 'sentence' where an option belongs", sentence);
    }
    String start = sentence.substring(0, gap);
    List<String> contexts = List.of(start + row.text("option1"), start + row.text("option2"));
    return item(row, contexts, sentence.substring(gap + 1), row.index("answer", 1, contexts.size()));
  }

  private static TaskItem item(TaskRow row, List<String> contexts, String ending, int gold) {
    List<Option> options = new ArrayList<>();
    for (String context : contexts) {
      options.add(new Option(context, Blanks.strip(ending)));
    }
    return new TaskItem(row.line(), options, gold);
  }
}
