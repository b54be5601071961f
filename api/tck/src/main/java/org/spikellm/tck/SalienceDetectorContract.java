package org.spikellm.tck;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;

/**
 * What every salience detector is held to; the rules are explained in SPEC.md. A detector's test is a subclass with
 * {@link #detector} and {@link #session}.
 */
public abstract class SalienceDetectorContract {

  /** The detector under test, with its default options. */
  protected abstract SalienceDetector detector();

  /** A session of any backend that passes its contract; closed by the rule that asked for it. */
  protected abstract Session session(int threads);

  @Test
  @DisplayName("P.1 provider: the id is lower-case letters, digits and hyphens")
  final void id() {
    ProviderRules.id(detector());
  }

  @Test
  @DisplayName("P.2 provider: options have defaults and cannot be changed from outside")
  final void options() {
    ProviderRules.options(detector());
  }

  @Test
  @DisplayName("P.3 provider: configure gives a provider of the same kind and id")
  final void configure() {
    ProviderRules.configure(SalienceDetector.class, detector());
  }

  @Test
  @DisplayName("P.4 provider: a value that cannot be used is refused by key and value")
  final void refusal() {
    ProviderRules.refusal(detector());
  }

  @Test
  @DisplayName("P.5 provider: it is a public class with a public constructor without parameters")
  final void constructor() {
    ProviderRules.constructor(detector());
  }

  @Test
  @DisplayName("S.1 score: one finite number a channel")
  final void finite() {
    try (Session session = session(2)) {
      SalienceRules.finite(detector(), session);
    }
  }

  @Test
  @DisplayName("S.2 score: finite for degenerate inputs too")
  final void degenerate() {
    try (Session session = session(2)) {
      SalienceRules.degenerate(detector(), session);
    }
  }

  @Test
  @DisplayName("S.3 score: asked again, on any number of threads, the same")
  final void deterministic() {
    try (Session one = session(1); Session three = session(3)) {
      SalienceRules.deterministic(detector(), one, three);
    }
  }

  @Test
  @DisplayName("S.4 score: it goes with the channel, wherever it stands, where inputs are not correlated")
  final void permuted() {
    try (Session session = session(2)) {
      SalienceRules.permuted(detector(), session);
    }
  }

  @Test
  @DisplayName("S.5 needsGram: false means that the Gram is not read")
  final void gram() {
    Assumptions.assumeFalse(detector().needsGram(), () -> "detector '" + detector().id() + "' says it needs the Gram");
    try (Session session = session(2)) {
      SalienceRules.gram(detector(), session);
    }
  }

  @Test
  @DisplayName("S.6 score: weight and statistics are not changed")
  final void inputs() {
    try (Session session = session(2)) {
      SalienceRules.inputs(detector(), session);
    }
  }
}
