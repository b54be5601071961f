package org.spikellm.launcher.tasks;

import java.io.IOException;

/**
 * ARC: questions of school science, easy and challenging ones in files of the same form.
 *
 * @param id which of the two
 */
record Arc(String id) implements TaskKind {

  @Override
  public boolean isSure(TaskRow row) {
    return false;
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.isQuery() || row.has("question", "answerKey");
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.isQuery()) {
      return row.query(context(row.question()));
    }
    LabelledQuestion question = LabelledQuestion.of(row, "question");
    return question.item(row, context(question.stem()));
  }

  private static String context(String question) {
    return "Question: " + question + "\nAnswer:";
  }
}
