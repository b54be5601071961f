package org.spikellm.launcher.workflow;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.TrainingListener;

/** What training says of one block. */
final class Heard implements TrainingListener {

  final List<Double> losses = new ArrayList<>();
  final Map<String, float[]> learned = new LinkedHashMap<>();
  final List<String> warnings = new ArrayList<>();
  int steps;

  @Override
  public void step(int done, int of) {
    steps = done;
  }

  @Override
  public void epoch(int epoch, double loss) {
    losses.add(loss);
  }

  @Override
  public void learned(String name, float[] values) {
    learned.put(name, values.clone());
  }

  @Override
  public void warning(String what) {
    warnings.add(what);
  }
}
