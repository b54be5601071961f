package org.spikellm.launcher.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.spikellm.launcher.cli.Evaluated.Figure;
import org.spikellm.launcher.tasks.Mean;
import org.spikellm.launcher.tasks.TaskScores;

/** Figures of models side by side, for people: those of all models on a text or a task one below the other. */
final class EvaluationTable {

  private static final int PERCENT = 100;
  private static final double LARGE = 1e5;

  private EvaluationTable() {}

  static Table of(List<Evaluated> models) {
    Table table = new Table().leftAligned(3).row("on", "metric", "model", "value", "±", "to the first", "±", "measured on");
    Evaluated first = models.getFirst();
    List<List<Figure>> figures = models.stream().map(model -> model.figures(first)).toList();
    for (int i = 0; i < figures.getFirst().size(); i++) {
      boolean begins = i == 0 || !figures.getFirst().get(i).of().equals(figures.getFirst().get(i - 1).of());
      for (List<Figure> each : figures) {
        boolean top = each == figures.getFirst();
        Figure figure = each.get(i);
        table.row(top && begins ? figure.of() : "", top ? figure.metric() : "", figure.model(), value(figure),
            error(figure, figure.value()), change(figure), error(figure, figure.change()), basis(figure.basis()));
      }
    }
    return table;
  }

  private static boolean isShare(Figure figure) {
    return !figure.metric().equals("perplexity");
  }

  private static String value(Figure figure) {
    double value = figure.value().value();
    return isShare(figure) ? format("%.2f %%", PERCENT * value) : number(value);
  }

  private static String number(double value) {
    return format(value < LARGE ? "%.4f" : "%.4g", value);
  }

  /** Of shares in points, of a perplexity in parts of the first one. */
  private static String change(Figure figure) {
    if (figure.change() == null) {
      return "";
    }
    double change = figure.change().value();
    return isShare(figure) ? format("%+.2f", PERCENT * change)
        : format("%+.2f %%", PERCENT * change / (figure.value().value() - change));
  }

  private static String error(Figure figure, Mean mean) {
    double error = mean == null ? Double.NaN : mean.standardError();
    return Double.isNaN(error) ? "" : isShare(figure) ? format("%.2f", PERCENT * error) : number(error);
  }

  private static String format(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static String basis(Map<String, Object> basis) {
    if (basis.containsKey("windows")) {
      return basis.get("windows") + " × " + basis.get("sequence") + " tokens";
    }
    int shots = (int) basis.get("shots");
    return basis.get("items") + " items" + (shots == 0 ? "" : ", " + shots + (shots == 1 ? " shot" : " shots"));
  }

  /** A result, as soon as it is there. */
  static String line(Path model, TaskScores scores) {
    return model + ", " + scores.task().name() + ": accuracy " + format("%.2f %%", PERCENT * scores.accuracy().value());
  }

  /** What to know about the scores of tasks. */
  static List<String> notes(List<Evaluated> models) {
    List<String> notes = new ArrayList<>();
    for (Evaluated model : models) {
      note(model, TaskScores::truncated, "longer than the limit, their context cut at the front", notes);
      note(model, TaskScores::straddling, "scored though a token holds the end of the context and the start of an answer", notes);
    }
    return notes;
  }

  private static void note(Evaluated model, ToLongFunction<TaskScores> count, String what, List<String> notes) {
    String tasks = model.tasks().stream().filter(scores -> count.applyAsLong(scores) > 0)
        .map(scores -> count.applyAsLong(scores) + " of " + scores.task().name()).collect(Collectors.joining(", "));
    if (!tasks.isEmpty()) {
      notes.add(model.model() + ": items that are " + what + ": " + tasks);
    }
  }
}
