package org.spikellm.backend.simd;

import java.util.List;
import java.util.Map;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/** The CPU through {@code jdk.incubator.vector}. No vector type appears in this class, so that it loads without that module. */
public final class SimdBackend implements ComputeBackend {

  private static final String WARMUP = "warmup";

  /** Kernels are compiled as soon as a model or its work is large enough, or when a session is opened. */
  private static final List<String> WARMUPS = List.of("auto", "open");

  private static final int SPEED = 100;
  private static final int MIN_BITS = 128;

  private final boolean warm;

  public SimdBackend() {
    this(Map.of());
  }

  private SimdBackend(Map<String, String> options) {
    String warmup = options.getOrDefault(WARMUP, WARMUPS.getFirst());
    if (!WARMUPS.contains(warmup)) {
      throw new IllegalArgumentException(WARMUP + "=" + warmup + ": expected " + String.join(" or ", WARMUPS));
    }
    warm = !warmup.equals(WARMUPS.getFirst());
  }

  @Override
  public Map<String, String> options() {
    return Map.of(WARMUP, WARMUPS.getFirst());
  }

  @Override
  public SimdBackend configure(Map<String, String> options) {
    return new SimdBackend(options);
  }

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
    SimdSession session = SimdSession.open(threads);
    if (warm) {
      Warmup.start();
    }
    return session;
  }
}
