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
import org.spikellm.api.Encoding;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * The linear layer [5632, 2048] whose weights are spike trains, in 10⁹ weights a second that are added, subtracted or left out, for
 * one token over layers that do not fit in a cache together, and for a prompt; the input in float, or counts of 2, 4 or 8 bits.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class TernaryLinearBenchmark {

  private static final int ROWS = 5632;
  private static final int COLUMNS = 2048;
  private static final int LAYERS = 16;
  private static final int PROMPT = 64;

  @Param({"reference", "native-plain-1", "simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  /** Bits of a count, or 16 for floats. */
  @Param({"2", "4", "8", "16"})
  public int bits;

  /** Time steps of the columns: more where they are salient, 0.8:1,0.1:2,0.1:4, or one for all. */
  @Param({"salient", "one-step"})
  public String plan;

  private Session session;
  private final SpikingLinear[] layers = new SpikingLinear[LAYERS];
  private Tensor x;
  private SpikeTrain train;
  private final Tensor out = Tensor.allocate(DType.F32, PROMPT, ROWS);

  @Setup
  public void open() {
    session = Backends.open(backend);
    Encoding encoding = Cases.trainEncoding(COLUMNS, Math.min(bits, 8), plan.equals("one-step"));
    for (int i = 0; i < LAYERS; i++) {
      layers[i] = i == 0 || !backend.equals(Backends.REFERENCE)
          ? session.prepare(Cases.trains(ROWS, encoding.order()), bits == 16 ? null : encoding) : layers[0];
    }
    x = Cases.normal(PROMPT, COLUMNS);
    train = SpikeTrain.allocate(encoding, PROMPT);
    session.encode(x, encoding, train);
  }

  @TearDown
  public void close() {
    session.close();
  }

  private void accumulate(SpikingLinear layer, int tokens) {
    if (bits == 16) {
      layer.accumulate(x.rows(0, tokens), out.rows(0, tokens));
    } else {
      layer.accumulate(train.tokens(tokens), out.rows(0, tokens));
    }
  }

  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS * LAYERS)
  public Tensor decode() {
    for (SpikingLinear layer : layers) {
      accumulate(layer, 1);
    }
    return out;
  }

  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS * PROMPT)
  public Tensor prompt() {
    accumulate(layers[0], PROMPT);
    return out;
  }
}
