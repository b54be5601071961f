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
import org.spikellm.api.KeyValues;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Attention of 32 heads of 64 channels over 4 kv heads, in 10⁹ multiply-adds a second: one token after 511, and 128 from the start. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class AttentionBenchmark {

  private static final int HEADS = 32;
  private static final int KV_HEADS = 4;
  private static final int HEAD_DIM = 64;
  private static final int LENGTH = 512;
  private static final int PROMPT = 128;

  @Param({"reference", "native-plain-1", "simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  /** Of cached counts, which take one bit more on salient channels; 0 where floats are cached. */
  @Param({"0", "4"})
  public int bits;

  private Session session;
  private KeyValues cache;
  private final Tensor queries = Cases.normal(PROMPT, HEADS * HEAD_DIM);
  private final Tensor out = Tensor.allocate(DType.F32, PROMPT, HEADS * HEAD_DIM);

  @Setup
  public void open() {
    session = Backends.open(backend);
    cache = KeyValues.allocate(KV_HEADS, HEAD_DIM, LENGTH, bits == 0 ? null : Cases.keyValues(KV_HEADS * HEAD_DIM, bits));
    cache.append(Cases.normal(LENGTH, KV_HEADS * HEAD_DIM), Cases.normal(LENGTH, KV_HEADS * HEAD_DIM), 0);
  }

  @TearDown
  public void close() {
    session.close();
  }

  @Benchmark
  @OperationsPerInvocation(2 * HEADS * HEAD_DIM * LENGTH)
  public Tensor decode() {
    session.attention(queries.rows(0, 1), cache, LENGTH - 1, out.rows(0, 1));
    return out;
  }

  @Benchmark
  @OperationsPerInvocation(HEADS * HEAD_DIM * PROMPT * (PROMPT + 1))
  public Tensor prompt() {
    session.attention(queries, cache, 0, out);
    return out;
  }
}
