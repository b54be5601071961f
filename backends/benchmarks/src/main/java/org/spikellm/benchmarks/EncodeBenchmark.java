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
import org.spikellm.api.Encoding;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;

/** Encoding of 16 tokens of 2048 channels, in 10⁹ channels a second. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class EncodeBenchmark {

  private static final int TOKENS = 16;
  private static final int CHANNELS = 2048;

  @Param({"reference", "native-plain-1", "simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  private Session session;
  private final Encoding encoding = Cases.encoding(Cases.order(CHANNELS), 4);
  private final Tensor x = Cases.normal(TOKENS, CHANNELS);
  private final SpikeTrain train = SpikeTrain.allocate(encoding, TOKENS);

  @Setup
  public void open() {
    session = Backends.open(backend);
  }

  @TearDown
  public void close() {
    session.close();
  }

  @Benchmark
  @OperationsPerInvocation(TOKENS * CHANNELS)
  public SpikeTrain encode() {
    session.encode(x, encoding, train);
    return train;
  }
}
