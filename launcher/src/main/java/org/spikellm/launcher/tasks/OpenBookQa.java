package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.List;

/** OpenBookQA: elementary science; the question is the context, with nothing around it. */
record OpenBookQa() implements TaskKind {

  @Override
  public String id() {
    return "openbookqa";
  }

  @Override
  public List<String> names() {
    return List.of("openbook", "obqa");
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("question_stem", "answerKey");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.isQuery() || row.has("question", "answerKey");
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.isQuery()) {
      return row.query(row.question());
    }
    LabelledQuestion question = LabelledQuestion.of(row, row.has("question_stem") ? "question_stem" : "question");
    return question.item(row, question.stem());
  }
}
