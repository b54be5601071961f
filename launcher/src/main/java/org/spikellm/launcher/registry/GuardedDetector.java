package org.spikellm.launcher.registry;

import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** A plug-in's salience detector: it must give one finite score a channel. */
final class GuardedDetector extends Guarded<SalienceDetector> implements SalienceDetector {

  GuardedDetector(SalienceDetector detector, Guard guard) {
    super(detector, guard);
  }

  @Override
  public float[] score(Tensor weight, InputStatistics inputs, Session session) {
    float[] scores = guard.call("score", () -> provider.score(weight, inputs, session));
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
    return guard.call("needsGram", provider::needsGram);
  }
}
