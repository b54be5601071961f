package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * A line of a task's file.
 *
 * @param line from 1
 * @param fields of its JSON object, with the label, where that lies in a file beside it
 * @param labels where that lies, or could
 */
record TaskRow(Path file, int line, Map<String, Object> fields, Path labels) {

  private static final int SHOWN = 60;

  boolean has(String... names) {
    return fields.keySet().containsAll(List.of(names));
  }

  /** Whether it is in the form that is the same for all questions: the text before the answer, a list of answers, an index. */
  boolean isQuery() {
    return has("query", "choices", "gold");
  }

  /** The question of a row in that form, without what prompts put around it. */
  String question() throws IOException {
    String query = text("query");
    String front = query.startsWith("Question: ") ? query.substring("Question: ".length()) : query;
    return front.endsWith("\nAnswer:") ? front.substring(0, front.length() - "\nAnswer:".length()) : front;
  }

  /** A row in that form, as the answers to {@code context}. */
  TaskItem query(String context) throws IOException {
    List<String> answers = texts("choices");
    return TaskItem.of(line, context, answers, index("gold", 0, answers.size()));
  }

  String text(String name) throws IOException {
    if (fields.get(name) instanceof String text) {
      return text;
    }
    throw wrong("text in '" + name + "'", fields.get(name));
  }

  /** A list of two texts or more. */
  List<String> texts(String name) throws IOException {
    return texts("'" + name + "'", fields.get(name));
  }

  /** As above, of a value that {@code name} names. */
  List<String> texts(String name, Object value) throws IOException {
    List<String> texts = new ArrayList<>();
    if (value instanceof List<?> list) {
      for (Object one : list) {
        if (!(one instanceof String text)) {
          throw wrong("texts in " + name, one);
        }
        texts.add(text);
      }
    }
    if (texts.size() < 2) {
      throw wrong("a list of two texts or more in " + name, value);
    }
    return texts;
  }

  /**
   * A label as an index.
   *
   * @param first what the first of the answers is called
   * @param count how many answers there are
   */
  int index(String name, int first, int count) throws IOException {
    Object value = fields.get(name);
    for (int i = 0; value != null && i < count; i++) {
      if (value.toString().strip().equals(String.valueOf(first + i))) {
        return i;
      }
    }
    boolean beside = name.equals("label") && !labels.equals(file);
    String where = beside ? (value == null ? " here or in " : " in ") + labels.getFileName() : "";
    throw wrong("'" + name + "' from " + first + " to " + (first + count - 1) + where, value);
  }

  /** What is wrong with this line. */
  CheckpointException wrong(String expected, Object found) {
    String text = found == null ? "nothing" : Json.write(found);
    return new CheckpointException(file + ": line " + line + ": expected " + expected + ", found "
        + (text.length() > SHOWN ? text.substring(0, SHOWN) + "…" : text));
  }
}
