package org.spikellm.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What one would write first: loops over arrays, one thread, in 10⁹ multiply-adds a second. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class PlainLoops {

  private static final int SIZE = 1024;
  private static final int ROWS = 5632;
  private static final int COLUMNS = 2048;

  private final float[] a = Cases.normal(SIZE, SIZE).toFloats();
  private final float[] b = Cases.normal(SIZE, SIZE).toFloats();
  private final float[] out = new float[SIZE * SIZE];
  private final byte[] codes = new byte[ROWS * COLUMNS];
  private final byte[] counts = new byte[COLUMNS];
  private final int[] sums = new int[ROWS];

  @Setup
  public void fill() {
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (i * 31 % 16);
    }
    for (int i = 0; i < counts.length; i++) {
      counts[i] = (byte) (i * 7 % 16);
    }
  }

  @Benchmark
  @OperationsPerInvocation(SIZE * SIZE * SIZE)
  public float[] cube() {
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < SIZE; j++) {
        float sum = 0;
        for (int k = 0; k < SIZE; k++) {
          sum += a[i * SIZE + k] * b[j * SIZE + k];
        }
        out[i * SIZE + j] = sum;
      }
    }
    return out;
  }

  /** One token; a byte a code. */
  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public int[] decode() {
    for (int r = 0; r < ROWS; r++) {
      int sum = 0;
      for (int k = 0; k < COLUMNS; k++) {
        sum += codes[r * COLUMNS + k] * counts[k];
      }
      sums[r] = sum;
    }
    return sums;
  }
}
