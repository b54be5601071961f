package org.spikellm.backend.simd;

import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/** The CPU through {@code jdk.incubator.vector}. No vector type appears in this class, so that it loads without that module. */
public final class SimdBackend implements ComputeBackend {

  private static final int SPEED = 100;
  private static final int MIN_BITS = 128;

  @Override
  public String id() {
    return "simd";
  }

  @Override
  public Availability probe() {
    try {
      int bits = Lanes.bits();
      if (bits < MIN_BITS) {
        return new Availability.Unavailable("this CPU's preferred vectors have " + bits + " bits, expected at least " + MIN_BITS
            + "; use another backend");
      }
      return new Availability.Available("Vector API, " + bits + "-bit vectors, "
          + Runtime.getRuntime().availableProcessors() + " hardware threads (" + System.getProperty("os.arch") + ")", SPEED);
    } catch (LinkageError e) {
      // Without the incubator module NoClassDefFoundError; a second attempt sees the same class in its failed state.
      return new Availability.Unavailable(
          "the module jdk.incubator.vector is not resolved; start java with --add-modules jdk.incubator.vector");
    }
  }

  @Override
  public Session open(int threads) {
    if (probe() instanceof Availability.Unavailable unavailable) {
      throw new IllegalStateException("backend 'simd' is not available: " + unavailable.reason());
    }
    return SimdSession.open(threads);
  }
}
