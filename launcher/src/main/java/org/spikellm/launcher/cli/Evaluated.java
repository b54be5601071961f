package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.launcher.tasks.ItemScore;
import org.spikellm.launcher.tasks.Mean;
import org.spikellm.launcher.tasks.TaskScores;
import org.spikellm.model.Perplexity;

/**
 * What was measured of a model.
 *
 * @param model as it was named
 * @param texts perplexity by text
 * @param tasks in the order in which they were named
 */
record Evaluated(String model, Map<String, Perplexity> texts, List<TaskScores> tasks) {

  /**
   * One figure, beside that of the first model.
   *
   * @param of the text's name or the task's
   * @param task whether it is a task's
   * @param metric perplexity, accuracy or accuracy_norm
   * @param value with its standard error, which is NaN where there is none
   * @param change from the first model, with its standard error; null for the first
   * @param basis what it was measured on: tokens, windows, sequence; items, shots
   */
  record Figure(String of, boolean task, String metric, String model, Mean value, Mean change, Map<String, Object> basis) {

    Map<String, Object> json() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("model", model);
      json.put("text", task ? null : of);
      json.put("task", task ? of : null);
      json.put("metric", metric);
      json.put("value", value.value());
      json.put("stderr", value.standardError());
      json.put("change", change == null ? null : change.value());
      json.put("change_stderr", change == null ? null : change.standardError());
      json.putAll(basis);
      return json;
    }
  }

  /** All figures, beside those of the first model, which may be this one. */
  List<Figure> figures(Evaluated first) {
    List<Figure> figures = new ArrayList<>();
    texts.forEach((text, p) -> figures.add(new Figure(text, false, "perplexity", model, exact(p.value()),
        this == first ? null : exact(p.value() - first.texts.get(text).value()), basis(p))));
    for (int i = 0; i < tasks.size(); i++) {
      TaskScores here = tasks.get(i);
      TaskScores there = first.tasks.get(i);
      figures.add(figure(here, "accuracy", here.accuracy(), this == first ? null : here.difference(there, ItemScore::isCorrect)));
      if (here.isChoice()) {
        figures.add(figure(here, "accuracy_norm", here.accuracyNorm(),
            this == first ? null : here.difference(there, ItemScore::isCorrectNorm)));
      } else {
        figures.add(figure(here, "perplexity", here.perplexity(),
            this == first ? null : exact(here.perplexity().value() - there.perplexity().value())));
      }
    }
    return figures;
  }

  private static Mean exact(double value) {
    return new Mean(value, Double.NaN);
  }

  private Figure figure(TaskScores scores, String metric, Mean value, Mean change) {
    Map<String, Object> basis = new LinkedHashMap<>();
    basis.put("items", scores.items().size());
    basis.put("shots", scores.task().shots().count());
    return new Figure(scores.task().name(), true, metric, model, value, change, basis);
  }

  private static Map<String, Object> basis(Perplexity perplexity) {
    Map<String, Object> basis = new LinkedHashMap<>();
    basis.put("tokens", perplexity.tokens());
    basis.put("windows", perplexity.windows());
    basis.put("sequence", perplexity.sequence());
    return basis;
  }

  /** The figures by text and by task, beside those of the first model. */
  Map<String, Object> json(Evaluated first) {
    Map<String, Map<String, Object>> perplexity = new LinkedHashMap<>();
    Map<String, Map<String, Object>> byTask = new LinkedHashMap<>();
    for (Figure figure : figures(first)) {
      Map<String, Object> one = (figure.task ? byTask : perplexity).computeIfAbsent(figure.of, name -> new LinkedHashMap<>());
      String name = figure.task ? figure.metric : "value";
      one.put(name, figure.value.value());
      if (figure.task) {
        one.put(name + "_stderr", figure.value.standardError());
      }
      if (figure.change != null) {
        one.put(name + "_change", figure.change.value());
        if (figure.task) {
          one.put(name + "_change_stderr", figure.change.standardError());
        }
      }
      one.putAll(figure.basis);
    }
    tasks.forEach(scores -> {
      Map<String, Object> one = byTask.get(scores.task().name());
      one.putIfAbsent("accuracy_norm", null);
      one.put("truncated", scores.truncated());
      one.put("straddling", scores.straddling());
      one.put("file", scores.task().file().path().toString());
    });
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("perplexity", perplexity);
    json.put("tasks", byTask);
    return json;
  }
}
