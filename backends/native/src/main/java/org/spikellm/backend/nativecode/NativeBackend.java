package org.spikellm.backend.nativecode;

import java.util.Locale;
import java.util.Map;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/**
 * The CPU in C, with what AVX2 or AVX-512 give. Its option {@code instructions} chooses among the sets that the processor has,
 * which is for tests and comparisons.
 */
public final class NativeBackend implements ComputeBackend {

  private static final String OPTION = "instructions";
  static final String RESOURCE = "/linux-x86-64/libspikellm.so";

  private final String instructions;

  public NativeBackend() {
    this(Instructions.AUTO);
  }

  private NativeBackend(String instructions) {
    this.instructions = instructions;
  }

  @Override
  public String id() {
    return "native";
  }

  @Override
  public Map<String, String> options() {
    return Map.of(OPTION, Instructions.AUTO);
  }

  @Override
  public NativeBackend configure(Map<String, String> options) {
    String chosen = options.getOrDefault(OPTION, Instructions.AUTO);
    if (!Instructions.isChoice(chosen)) {
      throw new IllegalArgumentException(OPTION + "=" + chosen + ": expected one of " + Instructions.choices());
    }
    return new NativeBackend(chosen);
  }

  @Override
  public Availability probe() {
    String os = System.getProperty("os.name");
    String architecture = System.getProperty("os.arch");
    if (!os.equals("Linux") || !architecture.equals("amd64")) {
      return new Availability.Unavailable("its library is for Linux on x86-64, this is " + os + " on " + architecture
          + "; use backend 'simd'");
    }
    if (NativeBackend.class.getResource(RESOURCE) == null) {
      return new Availability.Unavailable("there is no library in this build, which had no C compiler; install gcc and build again, "
          + "or use backend 'simd'");
    }
    try {
      return available(Kernels.best());
    } catch (LinkageError | RuntimeException e) {
      // JNA's own library, or this one, cannot be loaded: another C library, a directory without rights to execute.
      return new Availability.Unavailable("its library cannot be loaded: " + firstLine(e) + "; use backend 'simd'");
    }
  }

  private Availability available(Instructions best) {
    Instructions set = chosen(best);
    if (set.compareTo(best) > 0) {
      return new Availability.Unavailable("this CPU has " + best.inWords() + ", and option " + OPTION + " asks for "
          + set.inWords() + "; leave it at " + Instructions.AUTO);
    }
    return new Availability.Available("C, " + set.inWords() + ", " + Runtime.getRuntime().availableProcessors()
        + " hardware threads (" + System.getProperty("os.arch") + ")", set.speed());
  }

  private Instructions chosen(Instructions best) {
    return instructions.equals(Instructions.AUTO) ? best : Instructions.valueOf(instructions.toUpperCase(Locale.ROOT));
  }

  private static String firstLine(Throwable e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return String.valueOf(cause.getMessage()).lines().findFirst().orElse(cause.toString()).strip();
  }

  @Override
  public Session open(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: expected at least 1, found " + threads);
    }
    if (probe() instanceof Availability.Unavailable unavailable) {
      throw new IllegalStateException("backend 'native' is not available: " + unavailable.reason());
    }
    return new NativeSession(threads, chosen(Kernels.best()));
  }
}
