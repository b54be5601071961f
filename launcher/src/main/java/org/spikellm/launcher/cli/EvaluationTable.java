package org.spikellm.launcher.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.spikellm.launcher.cli.Evaluated.Figure;
import org.spikellm.launcher.tasks.Mean;

/** Figures of models side by side, for people: those of all models on a text or a task one below the other. */
final class EvaluationTable {

  private static final double SHARE = 100;

  private EvaluationTable() {}

  static Table of(List<Evaluated> models) {
    Table table = new Table().row("", "model", "", "value", "±", "to the first", "±", "measured on");
    Evaluated first = models.getFirst();
    List<List<Figure>> figures = models.stream().map(model -> model.figures(first)).toList();
    String heading = "";
    for (int i = 0; i < figures.getFirst().size(); i++) {
      for (List<Figure> each : figures) {
        Figure figure = each.get(i);
        boolean share = !figure.metric().equals("perplexity");
        double start = figure.value().value() - (figure.change() == null ? 0 : figure.change().value());
        table.row(figure.of().equals(heading) ? "" : figure.of(), figure.model(), figure.metric(), share ? share(figure.value().value()) : number(figure.value().value()),
            error(figure.value(), share), figure.change() == null ? "" : share ? points(figure.change().value())
                : String.format(Locale.ROOT, "%+.2f %%", SHARE * figure.change().value() / start),
            figure.change() == null ? "" : error(figure.change(), share), basis(figure.basis()));
        heading = figure.of();
      }
    }
    return table;
  }

  private static String number(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }

  private static String share(double value) {
    return String.format(Locale.ROOT, "%.2f %%", SHARE * value);
  }

  private static String points(double change) {
    return String.format(Locale.ROOT, "%+.2f", SHARE * change);
  }

  private static String error(Mean mean, boolean share) {
    return Double.isNaN(mean.standardError()) ? "" : String.format(Locale.ROOT, share ? "%.2f" : "%.4f",
        (share ? SHARE : 1) * mean.standardError());
  }

  private static String basis(Map<String, Object> basis) {
    return basis.containsKey("windows") ? basis.get("windows") + " × " + basis.get("sequence") + " tokens"
        : basis.get("items") + " items" + (basis.get("shots").equals(0) ? "" : ", " + basis.get("shots") + " shots");
  }
}
