package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.List;

/** BoolQ: yes or no, from a passage. */
record BoolQ() implements TaskKind {

  private static final String PASSAGE = "Passage: ";
  private static final String QUESTION = "\nQuestion: ";

  @Override
  public String id() {
    return "boolq";
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("passage", "question");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.isQuery();
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.isQuery()) {
      String query = row.question();
      int at = query.lastIndexOf(QUESTION);
      if (!query.startsWith(PASSAGE) || at < 0) {
        throw row.wrong("'Passage: …' and, on a line of its own, 'Question: …' in 'query'", query);
      }
      String question = query.substring(at + QUESTION.length());
      return row.query(context(query.substring(PASSAGE.length(), at),
          question.endsWith("?") ? question.substring(0, question.length() - 1) : question));
    }
    return TaskItem.of(row.line(), context(row.text("passage"), row.text("question")), List.of("no", "yes"), gold(row));
  }

  private static int gold(TaskRow row) throws IOException {
    return row.fields().get("answer") instanceof Boolean answer ? (answer ? 1 : 0)
        : row.index(row.has("answer") ? "answer" : "label", 0, 2);
  }

  private static String context(String passage, String question) {
    return passage + QUESTION + question + "?\nAnswer:";
  }
}
