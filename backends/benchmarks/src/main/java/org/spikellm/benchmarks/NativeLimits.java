package org.spikellm.benchmarks;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.spikellm.api.Availability;
import org.spikellm.backend.nativecode.NativeBackend;

/** What an instruction set multiplies and adds at most, one thread, in registers: 10⁹ multiply-adds a second. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class NativeLimits {

  private static final int MULTIPLY_ADDS = 96 << 16;
  /** In the order of the library's levels. */
  private static final List<String> SETS = List.of("plain", "avx2", "avx512");

  /** The library's own loops. */
  private static final class Limits {

    static {
      Native.register(Limits.class,
          NativeLibrary.getInstance("spikellm", Map.of(Library.OPTION_CLASSLOADER, NativeBackend.class.getClassLoader())));
    }

    /** Multiply-adds of a step, so many of which were made. */
    static native int spikellm_check_float_limit(int level, long steps);

    static native int spikellm_check_byte_limit(int level, long steps);
  }

  @Param({"plain", "avx2", "avx512"})
  public String instructions;

  private int level;
  private int floatStep;
  private int byteStep;

  @Setup
  public void open() {
    if (new NativeBackend().configure(Map.of("instructions", instructions)).probe() instanceof Availability.Unavailable unavailable) {
      throw new IllegalStateException(unavailable.reason());
    }
    level = SETS.indexOf(instructions);
    floatStep = Limits.spikellm_check_float_limit(level, 0);
    byteStep = Limits.spikellm_check_byte_limit(level, 0);
  }

  @Benchmark
  @OperationsPerInvocation(MULTIPLY_ADDS)
  public int floatMultiplyAdds() {
    return Limits.spikellm_check_float_limit(level, MULTIPLY_ADDS / floatStep);
  }

  /** Unsigned bytes by signed ones, summed in 32 bits ({@code vpdpbusd} with AVX-512); 16-bit numbers in the plain set. */
  @Benchmark
  @OperationsPerInvocation(MULTIPLY_ADDS)
  public int byteMultiplyAdds() {
    return Limits.spikellm_check_byte_limit(level, MULTIPLY_ADDS / byteStep);
  }
}
