package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A question whose answers bear labels, one of which {@code answerKey} names.
 *
 * @param stem the question
 * @param answers their texts
 * @param labels A, B, … or 1, 2, …
 */
record LabelledQuestion(String stem, List<String> answers, List<String> labels) {

  /**
   * Reads {@code {"question": {"stem", "choices": [{"text", "label"}]}}}, or a text with
   * {@code "choices": {"text": […], "label": […]}} or {@code "choices": [{"text", "label"}]} beside it.
   *
   * @param name of the field that holds the question
   */
  static LabelledQuestion of(TaskRow row, String name) throws IOException {
    boolean nested = row.fields().get(name) instanceof Map<?, ?>;
    Map<?, ?> holder = nested ? (Map<?, ?>) row.fields().get(name) : row.fields();
    if (!(holder.get(nested ? "stem" : name) instanceof String stem)) {
      throw row.wrong("text in '" + (nested ? name + ".stem" : name) + "'", holder.get(nested ? "stem" : name));
    }
    Object choices = holder.get("choices");
    List<Object> texts = new ArrayList<>();
    List<Object> labels = new ArrayList<>();
    if (choices instanceof Map<?, ?> columns && columns.get("text") instanceof List<?> text
        && columns.get("label") instanceof List<?> label) {
      texts.addAll(text);
      labels.addAll(label);
    } else if (choices instanceof List<?> list) {
      for (Object choice : list) {
        texts.add(choice instanceof Map<?, ?> fields ? fields.get("text") : null);
        labels.add(choice instanceof Map<?, ?> fields ? fields.get("label") : null);
      }
    }
    if (texts.size() != labels.size() || texts.contains(null) || labels.contains(null)) {
      throw row.wrong("a 'text' and a 'label' for each of the choices", choices);
    }
    return new LabelledQuestion(stem, row.texts("'text' of the choices", texts), labels.stream().map(Object::toString).toList());
  }

  TaskItem item(TaskRow row, String context) throws IOException {
    Object key = row.fields().get("answerKey");
    int gold = key == null ? -1 : labels.indexOf(key.toString().strip());
    if (gold < 0) {
      throw row.wrong("'answerKey' to be one of " + String.join(", ", labels), key);
    }
    return TaskItem.of(row.line(), context, answers, gold);
  }
}
