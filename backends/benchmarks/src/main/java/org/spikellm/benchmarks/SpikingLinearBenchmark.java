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
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * The spiking linear layer [5632, 2048], in 10⁹ multiply-adds a second, for one token over layers that do not fit in a cache
 * together, and for a prompt. A multiply-add of decode reads bits / 8 bytes.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class SpikingLinearBenchmark {

  private static final int ROWS = 5632;
  private static final int COLUMNS = 2048;
  private static final int LAYERS = 16;
  private static final int PROMPT = 64;

  @Param({"reference", "native-plain-1", "simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  @Param({"2", "4", "8"})
  public int bits;

  @Param({"128", "2048"})
  public int groupSize;

  private Session session;
  private final SpikingLinear[] layers = new SpikingLinear[LAYERS];
  private SpikeTrain token;
  private SpikeTrain prompt;
  private final Tensor out = Tensor.allocate(DType.F32, PROMPT, ROWS);

  @Setup
  public void open() {
    session = Backends.open(backend);
    ChannelOrder order = Cases.order(COLUMNS);
    for (int i = 0; i < LAYERS; i++) {
      layers[i] = i == 0 || !backend.equals(Backends.REFERENCE) ? session.prepare(Cases.weight(ROWS, order, bits, groupSize)) : layers[0];
    }
    Encoding encoding = Cases.encoding(order, 4);
    prompt = SpikeTrain.allocate(encoding, PROMPT);
    session.encode(Cases.normal(PROMPT, COLUMNS), encoding, prompt);
    token = prompt.tokens(1);
  }

  @TearDown
  public void close() {
    session.close();
  }

  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS * LAYERS)
  public Tensor decode() {
    Tensor first = out.rows(0, 1);
    for (SpikingLinear layer : layers) {
      layer.accumulate(token, first);
    }
    return out;
  }

  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS * PROMPT)
  public Tensor prompt() {
    layers[0].accumulate(prompt, out);
    return out;
  }
}
