package org.spikellm.launcher.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.spikellm.launcher.workflow.BlockRecord;

/** How the error of each block fell while it was trained. */
final class LossSection {

  private LossSection() {}

  static void write(Markup out, QuantizationReport report) {
    out.open("section", "id", "losses").element("h2", "Training loss");
    List<BlockRecord> blocks = report.blocks();
    List<double[]> curves = blocks.stream().map(block -> block.losses().stream().mapToDouble(Double::doubleValue).toArray())
        .toList();
    long trained = curves.stream().filter(curve -> curve.length > 0).count();
    if (trained == 0) {
      out.element("p", "There are no curves: the pipeline " + report.provider("pipeline")
          + " computed its weights in one pass over each block and trained nothing.");
      out.close().line();
      return;
    }
    out.element("p", "Each block was trained on its own to answer as the float block does. The loss says how far it is from "
        + "that (with omniquant, it is the mean squared difference of the two answers); a point is its mean over all "
        + "calibration windows in one epoch. Later blocks usually have a larger loss, since their inputs are larger and "
        + "already carry the errors of the blocks before.");
    chart(out, "Mean loss of each epoch", "mean loss", "number", curves, "A line a block.");
    chart(out, "Loss as a share of the first epoch's", "of the first epoch's loss", "percent",
        curves.stream().map(curve -> DoubleStream.of(curve).map(loss -> loss / curve[0]).toArray()).toList(),
        "The same on one scale: what matters is whether a curve falls and has come to rest.");
    table(out, curves);
    if (trained < blocks.size()) {
      out.element("p", blocks.size() - trained + " of " + blocks.size() + " blocks have no curve: nothing was trained in them.");
    }
    out.close().line();
  }

  private static void chart(Markup out, String title, String y, String unit, List<double[]> curves, String caption) {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (int b = 0; b < curves.size(); b++) {
      double[] epochs = IntStream.rangeClosed(1, curves.get(b).length).asDoubleStream().toArray();
      if (epochs.length > 0) {
        lines.add(Map.of("name", "block " + b, "points", Chart.points(epochs, curves.get(b))));
      }
    }
    new Chart("lines", title).axis("x", "epoch", "whole")
        .axis("y", y, unit, curves.stream().flatMapToDouble(DoubleStream::of).toArray())
        .with("series", lines).write(out, caption);
  }

  private static void table(Markup out, List<double[]> curves) {
    List<List<String>> rows = new ArrayList<>();
    for (int b = 0; b < curves.size(); b++) {
      double[] curve = curves.get(b);
      if (curve.length > 0) {
        double last = curve[curve.length - 1];
        rows.add(List.of(String.valueOf(b), Numbers.three(curve[0]), Numbers.three(last), Numbers.change(curve[0], last),
            curve.length < 2 ? "–" : Numbers.change(curve[curve.length - 2], last)));
      }
    }
    new FigureTable("In numbers", "", 0, List.of("block", "first epoch", "last epoch", "change", "change in the last epoch"),
        rows).write(out);
  }
}
