package org.spikellm.backend.nativecode;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.spikellm.api.Availability;
import org.spikellm.api.Session;

/**
 * Sessions on the kernels of an instruction set; a test that this machine cannot run is skipped, or fails where it is required.
 */
final class Sessions {

  private Sessions() {}

  static Session open(Instructions set, int threads) {
    NativeBackend backend = new NativeBackend().configure(Map.of("instructions", set.id()));
    if (backend.probe() instanceof Availability.Unavailable unavailable) {
      boolean required = Arrays.asList(System.getProperty("tck.require", "").split(",")).contains(backend.id());
      if (required && set == Instructions.PLAIN) {
        Assertions.fail(unavailable.reason() + " (tck.require names it)");
      }
      Assumptions.abort(unavailable.reason());
    }
    return backend.open(threads);
  }
}
