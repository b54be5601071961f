package org.spikellm.benchmarks;

import java.io.IOException;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.BlockTask;
import org.spikellm.api.Calibration;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.Encoding;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;
import org.spikellm.api.TrainingListener;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.ModelConfig;
import org.spikellm.model.PreparedBlock;
import org.spikellm.model.SpikeMode;
import org.spikellm.model.training.SquaredError;
import org.spikellm.model.training.TrainableBlock;

/**
 * One sample through one block of Llama 2 7B's shape: the float forward pass, F16 weights, and a step of OmniQuant's training at W4A4, T = 2
 * for 10 %, which quantizes the weights, runs forward and backward and updates. Seconds.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 3)
@Fork(value = 1, jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g"})
public class TrainingBenchmark {

  @Param({"simd-1", "simd-2", "native-1", "native-2"})
  public String backend;

  @Param("512")
  public int tokens;

  @Param("4096")
  public int hidden;

  @Param("11008")
  public int intermediate;

  private Session session;
  private CalibrationStream stream;
  private PreparedBlock floating;
  private TrainableBlock block;
  private Tensor target;
  private Tensor gradient;

  @Setup
  public void open() throws IOException {
    session = Backends.open(backend);
    Map<String, Object> json = Map.of("model_type", "llama", "hidden_size", (long) hidden, "num_attention_heads", hidden / 128L,
        "intermediate_size", (long) intermediate, "max_position_embeddings", (long) tokens, "num_hidden_layers", 1L, "vocab_size",
        (long) tokens);
    ModelConfig config = ModelConfig.of(json, "benchmark");
    int[] ids = new int[tokens];
    Arrays.setAll(ids, i -> i);
    stream = new CalibrationStream(config, Cases.normal(tokens, hidden), List.of(ids), Long.MAX_VALUE);
    BlockTask task = task(config.block(), new Sample(stream, config.block()));
    floating = new PreparedBlock(session, task.block(), SpikeMode.COLLAPSED);
    block = new TrainableBlock(session, task, new TrainableBlock.Settings(true, 1e-2, true, 1e-3, 0.75));
    target = Tensor.allocate(DType.F32, tokens, hidden);
    gradient = Tensor.allocate(DType.F32, tokens, hidden);
  }

  private static BlockTask task(BlockShape shape, Calibration calibration) {
    Map<Projection, Block.Linear> linears = new EnumMap<>(Projection.class);
    Map<Projection, Encoding> encodings = new EnumMap<>(Projection.class);
    for (Projection projection : Projection.values()) {
      linears.put(projection, new Block.Linear(new DenseWeight(Cases.half(shape.rows(projection), shape.columns(projection))), null,
          null));
      encodings.put(projection, Cases.encoding(Cases.order(shape.columns(projection)), 4));
    }
    float[] ones = new float[shape.hidden()];
    Arrays.fill(ones, 1);
    Block block = new Block(shape, linears, Tensor.of(1, ones), Tensor.of(1, ones), null);
    Map<Projection, InputStatistics> none = new EnumMap<>(Projection.class);
    return new BlockTask(0, block, new QuantizationSpec(4, 4, 2, 0.1, 0, 2), null, none, encodings, keyValues(shape, encodings), calibration,
        TrainingListener.NONE);
  }

  private static KeyValueEncoding keyValues(BlockShape shape, Map<Projection, Encoding> encodings) {
    Encoding like = encodings.get(Projection.Q);
    int channels = shape.kvHeads() * shape.headDim();
    float[] low = new float[channels];
    float[] high = new float[channels];
    boolean[] salient = new boolean[channels];
    Arrays.fill(low, -3);
    Arrays.fill(high, 3);
    for (int c = 0; c < channels; c += 10) {
      salient[c] = true;
    }
    return new KeyValueEncoding(like.neuron(), like.dynamics().getFirst(), like.dynamics().getLast(), true, salient, low, high, salient);
  }

  @TearDown
  public void close() {
    block.close();
    stream.close();
    session.close();
  }

  @Benchmark
  public Tensor floatForward() {
    return stream.run(floating, 0);
  }

  @Benchmark
  public double trainingStep() {
    block.begin();
    Tensor out = block.forward(stream.sample(0));
    gradient.clear();
    double loss = SquaredError.of(session, out, target, gradient);
    block.backward(gradient);
    block.update();
    return loss;
  }

  /** The stream as a training block reads it. */
  private record Sample(CalibrationStream stream, BlockShape shape) implements Calibration {
    @Override
    public int samples() {
      return 1;
    }

    @Override
    public int sequence() {
      return stream.sequence();
    }

    @Override
    public Tensor input(int sample) {
      return stream.sample(sample);
    }

    @Override
    public Tensor target(int sample) {
      throw new UnsupportedOperationException("the benchmark has a target of its own");
    }

    @Override
    public Tensor answer(int sample) {
      throw new UnsupportedOperationException("the benchmark has a target of its own");
    }

    @Override
    public float[] absMax(Projection.Source source) {
      float[] ones = new float[shape.columns(source)];
      Arrays.fill(ones, 1);
      return ones;
    }

    @Override
    public Tensor rope() {
      return stream.rope();
    }
  }
}
