package org.spikellm.benchmarks;

import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.backend.simd.SimdBackend;

/** The backends that a parameter names: {@code reference}, or {@code simd-THREADS}. */
final class Backends {

  private Backends() {}

  static Session open(String name) {
    if (name.startsWith("simd-")) {
      return new SimdBackend().open(Integer.parseInt(name.substring(5)));
    }
    return new ReferenceBackend().open(1);
  }
}
