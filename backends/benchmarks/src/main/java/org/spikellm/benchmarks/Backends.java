package org.spikellm.benchmarks;

import java.util.Map;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;
import org.spikellm.backend.nativecode.NativeBackend;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.backend.simd.SimdBackend;

/**
 * The backends that a parameter names: {@code reference}, {@code simd-THREADS}, {@code native-THREADS}, and {@code native-plain-THREADS},
 * C without vectors beyond SSE2.
 */
final class Backends {

  /** The plain one in Java, which takes so long that benchmarks give it less to do. */
  static final String REFERENCE = "reference";

  private static final String PLAIN = "native-plain-";

  private Backends() {}

  static Session open(String name) {
    if (name.equals(REFERENCE)) {
      return new ReferenceBackend().open(1);
    }
    int threads = Integer.parseInt(name.substring(name.lastIndexOf('-') + 1));
    return backend(name).open(threads);
  }

  private static ComputeBackend backend(String name) {
    if (name.startsWith(PLAIN)) {
      return new NativeBackend().configure(Map.of("instructions", "plain"));
    }
    return name.startsWith("native-") ? new NativeBackend() : new SimdBackend().configure(Map.of("warmup", "open"));
  }
}
