package org.spikellm.launcher.registry;

import java.util.Map;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.Provider;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A plug-in's salience detector: it must give one finite score a channel. */
final class GuardedDetector implements SalienceDetector {

  private final SalienceDetector detector;
  private final Guard guard;

  GuardedDetector(SalienceDetector detector, Guard guard) {
    this.detector = detector;
    this.guard = guard;
  }

  @Override
  public String id() {
    return guard.id();
  }

  @Override
  public Map<String, String> options() {
    return guard.call("options", detector::options);
  }

  @Override
  public Provider configure(Map<String, String> options) {
    return new GuardedDetector((SalienceDetector) guard.ask("configure", () -> detector.configure(options)), guard);
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    float[] scores = guard.call("score", () -> detector.score(weight, inputs, session));
    guard.require(scores.length == weight.columns(), "score returned " + scores.length + " numbers, expected one for each of "
        + weight.columns() + " channels");
    for (int j = 0; j < scores.length; j++) {
      if (!Float.isFinite(scores[j])) {
        throw guard.failure("score returned " + scores[j] + " for channel " + j + ", expected a finite number", null);
      }
    }
    return scores;
  }

  @Override
  public boolean needsGram() {
    return guard.call("needsGram", detector::needsGram);
  }
}
