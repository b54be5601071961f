package org.spikellm.benchmarks;

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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.spikellm.api.DType;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The float product, in 10⁹ multiply-adds a second: 1024³ of a prompt and, for halves read from memory, one row of decode. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class MatmulBenchmark {

  private static final int SIZE = 1024;
  private static final int HEAD_ROWS = 32000;

  @Param({"reference", "native-plain-1", "simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  private Session session;
  private final Tensor a = Cases.normal(SIZE, SIZE);
  private final Tensor b = Cases.normal(SIZE, SIZE);
  private final Tensor out = Tensor.allocate(DType.F32, SIZE, SIZE);
  private final Tensor row = Cases.normal(1, SIZE);
  private final Tensor head = Tensor.allocate(DType.F16, HEAD_ROWS, SIZE);
  private final Tensor logits = Tensor.allocate(DType.F32, 1, HEAD_ROWS);

  @Setup
  public void open() {
    session = Backends.open(backend);
  }

  @TearDown
  public void close() {
    session.close();
  }

  @Benchmark
  @OperationsPerInvocation(SIZE * SIZE * SIZE)
  public Tensor cube() {
    session.matmul(a, b, out);
    return out;
  }

  @Benchmark
  @OperationsPerInvocation(HEAD_ROWS * SIZE)
  public Tensor halfPrecisionRow() {
    session.matmul(row, head, logits);
    return logits;
  }
}
