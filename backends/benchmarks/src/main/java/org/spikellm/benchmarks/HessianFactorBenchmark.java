package org.spikellm.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
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
import org.spikellm.model.HessianFactor;

/**
 * GPTQ's factor of a Hessian of 4096 channels, and the product of as many, in 10¹² multiply-adds a second (their
 * number does not fit otherwise): n³/3 of the one, half of them the
 * Cholesky factor and half its inverse, and n³ of the other.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 3)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class HessianFactorBenchmark {

  private static final int SIZE = 4096;
  private static final long CUBE = (long) SIZE * SIZE * SIZE;
  private static final double DAMPING = 0.01;

  @Param({"simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  private Session session;
  private final Tensor x = Cases.normal(SIZE, SIZE);
  private final Tensor gram = Tensor.allocate(DType.F32, SIZE, SIZE);
  private final Tensor hessian = Tensor.allocate(DType.F32, SIZE, SIZE);
  private final Tensor out = Tensor.allocate(DType.F32, SIZE, SIZE);

  @Setup
  public void open() {
    session = Backends.open(backend);
    session.matmul(x, x, gram);
  }

  /** The factor is made in place. */
  @Setup(Level.Invocation)
  public void copy() {
    hessian.segment().copyFrom(gram.segment());
  }

  @TearDown
  public void close() {
    session.close();
  }

  @Benchmark
  @OperationsPerInvocation((int) (CUBE / 3 / 1000))
  public HessianFactor factorThousands() {
    return HessianFactor.of(hessian, DAMPING, session, attempt -> { }).invert();
  }

  @Benchmark
  @OperationsPerInvocation((int) (CUBE / 1000))
  public Tensor productThousands() {
    session.matmul(x, x, out);
    return out;
  }
}
