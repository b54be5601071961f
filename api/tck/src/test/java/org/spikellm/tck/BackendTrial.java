package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.junit.jupiter.api.DynamicTest;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikingLinear;

/** The backends' contract, run on a backend that an outer test gives it. */
class BackendTrial extends ComputeBackendContract {

  private static ComputeBackend subject;

  @Override
  protected ComputeBackend backend() {
    return subject;
  }

  static Verdict verdict(ComputeBackend backend) {
    subject = backend;
    return Verdict.of(BackendTrial.class);
  }

  /** A test that {@code backend} fails exactly these rules. */
  static DynamicTest broken(String fault, ComputeBackend backend, String... rules) {
    return DynamicTest.dynamicTest(fault + ": " + String.join(", ", rules), () -> {
      Verdict verdict = verdict(backend);
      assertEquals(new TreeSet<>(Set.of(rules)), new TreeSet<>(verdict.failed().keySet()),
          () -> "rules that failed: " + verdict.failed());
    });
  }

  static DynamicTest broken(String fault, IntFunction<Session> sessions, String... rules) {
    return broken(fault, new NaiveBackend(sessions), rules);
  }

  static DynamicTest brokenLinear(String fault, Function<QuantizedWeight, SpikingLinear> linears, String... rules) {
    return broken(fault, threads -> new NaiveSession(threads) {
      @Override
      public SpikingLinear prepare(QuantizedWeight weight) {
        return linears.apply(weight);
      }
    }, rules);
  }
}
