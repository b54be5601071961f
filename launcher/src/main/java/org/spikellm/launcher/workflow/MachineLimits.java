package org.spikellm.launcher.workflow;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.spikellm.api.DeviceLimits;

/**
 * Measures what the machine's memory and float units give to a number of threads, in plain Java that the JIT compiles to vectors. They
 * change from hour to hour on shared machines, so they are measured again beside every run.
 */
public final class MachineLimits implements AutoCloseable {

  /** Memory that is read, far more than what caches hold: this for all threads, but at least the other for each. */
  private static final long TOTAL_BYTES = 256L << 20;
  private static final long THREAD_BYTES = 32L << 20;
  /** Bytes that one call sums: long enough to run at full speed, short enough to be compiled after a few calls. */
  private static final int PIECE = 1 << 20;
  /** 4 KiB in and 4 KiB out stay in the first-level cache. */
  private static final int FLOATS = 1024;
  private static final int FLOPS_PER_FLOAT = 52;
  private static final int CALLS = 4096;
  /** Each takes a hundredth of a second, and is spoilt where another process takes one of the cores. */
  private static final int PASSES = 8;
  private static final long WARM_UP_NANOS = 700_000_000;

  private final ExecutorService pool;
  private final Arena arena = Arena.ofShared();
  private final List<Callable<Number>> reads = new ArrayList<>();
  private final List<Callable<Number>> multiplications = new ArrayList<>();
  private final long bytes;

  /** Takes memory and warms up, in about a second and a half. */
  public MachineLimits(int threads) {
    long each = Math.max(TOTAL_BYTES / threads & -PIECE, THREAD_BYTES);
    bytes = each * threads;
    pool = Executors.newFixedThreadPool(threads, task -> Thread.ofPlatform().daemon().name("limits").unstarted(task));
    for (int thread = 0; thread < threads; thread++) {
      MemorySegment part = arena.allocate(each, PIECE);
      part.fill((byte) 1);
      reads.add(() -> read(part));
      multiplications.add(MachineLimits::multiply);
    }
    warmUp(reads);
    warmUp(multiplications);
  }

  /** Bytes of memory that measuring takes. */
  static long memory(int threads) {
    return Math.max(TOTAL_BYTES, THREAD_BYTES * threads);
  }

  /** What the threads reach together, the best of a few passes. */
  public DeviceLimits sample() {
    double read = 0;
    double flops = 0;
    for (int pass = 0; pass < PASSES; pass++) {
      read = Math.max(read, bytes / seconds(reads));
      flops = Math.max(flops, (double) multiplications.size() * CALLS * FLOATS * FLOPS_PER_FLOAT / seconds(multiplications));
    }
    return new DeviceLimits(OptionalDouble.empty(), read, flops, OptionalDouble.empty(),
        (bytes >> 20) + " MiB of memory, best of " + PASSES + " passes in plain Java");
  }

  private void warmUp(List<Callable<Number>> tasks) {
    long began = System.nanoTime();
    while (System.nanoTime() - began < WARM_UP_NANOS) {
      seconds(tasks);
    }
  }

  private double seconds(List<Callable<Number>> tasks) {
    try {
      long began = System.nanoTime();
      for (Future<Number> done : pool.invokeAll(tasks)) {
        done.get();
      }
      return (System.nanoTime() - began) / 1e9;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while measuring the machine", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  private static long read(MemorySegment part) {
    long sum = 0;
    for (long at = 0; at < part.byteSize(); at += PIECE) {
      sum += sum(part.asSlice(at, PIECE));
    }
    return sum;
  }

  /** Four streams: one alone leaves the memory waiting for each vector's addition. */
  private static long sum(MemorySegment piece) {
    int quarter = PIECE / 4;
    long a = 0;
    long b = 0;
    long c = 0;
    long d = 0;
    for (int at = 0; at < quarter; at += Long.BYTES) {
      a += piece.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
      b += piece.get(ValueLayout.JAVA_LONG_UNALIGNED, at + quarter);
      c += piece.get(ValueLayout.JAVA_LONG_UNALIGNED, at + 2 * quarter);
      d += piece.get(ValueLayout.JAVA_LONG_UNALIGNED, at + 3 * quarter);
    }
    return a + b + c + d;
  }

  private static float multiply() {
    float[] x = new float[FLOATS];
    float[] y = new float[FLOATS];
    Arrays.fill(x, 0.5f);
    for (int call = 0; call < CALLS; call++) {
      polynomials(x, y, 0.25f, 0.5f);
    }
    return y[FLOATS / 2];
  }

  /** Four polynomials side by side, 26 fused multiply-adds an element: enough independent ones to fill the units' latency. */
  private static void polynomials(float[] x, float[] y, float p, float q) {
    for (int i = 0; i < FLOATS; i++) {
      float v = x[i];
      float a = v;
      float b = p;
      float c = q;
      float d = 1;
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, v, p); b = Math.fma(b, v, q); c = Math.fma(c, v, p); d = Math.fma(d, v, q);
      a = Math.fma(a, b, c);
      y[i] = Math.fma(a, d, c);
    }
  }

  @Override
  public void close() {
    pool.close();
    arena.close();
  }
}
