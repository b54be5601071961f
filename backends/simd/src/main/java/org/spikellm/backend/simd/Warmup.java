package org.spikellm.backend.simd;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/**
 * Runs every kernel on small shapes until the compiler has taken it up: vectors are objects until then, and a kernel takes a
 * thousand times as long. Once a process, in the background, while the first model loads; what that model turns out to need comes
 * first.
 */
final class Warmup {

  /** Kernels that are compiled together, in the order in which models of 4 bits need them. */
  private enum Stage {
    ROWS, CODES_4, F16, TERNARY, CODES_8, F32, GROUPS_4, CODES_2, CODES_3, BF16
  }

  private static final AtomicBoolean STARTED = new AtomicBoolean();

  /** What is still to do. */
  private static final BlockingDeque<Stage> STAGES = new LinkedBlockingDeque<>(List.of(Stage.values()));

  /** Time it may take in all: where compilation is slower than this, real work goes on with it. */
  private static final long NANOS = 6_000_000_000L;

  /** How many times faster a kernel is once it is compiled; in truth some hundred times. */
  private static final long FASTER = 40;

  private static final int ROWS = 2 * Lanes.BLOCK;
  private static final int COLUMNS = 1024;

  private Warmup() {}

  /** Starts it, unless it was started before. */
  static void start() {
    if (STARTED.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("spikellm-simd-warmup").priority(Thread.MIN_PRIORITY).start(Warmup::run);
    }
  }

  /** The kernels that {@code weight} needs come next. */
  static void prefer(QuantizedWeight weight) {
    if (STAGES.isEmpty()) {
      return;
    }
    if (TernaryCodes.suit(weight)) {
      prefer(Stage.TERNARY);
      return;
    }
    for (CodeClass codes : weight.classes()) {
      switch (CodeLayout.of(codes.bits()).bits()) {
        case 2 -> prefer(Stage.CODES_2);
        case 3 -> prefer(Stage.CODES_3);
        case 4 -> prefer(codes.groups() == 1 ? Stage.CODES_4 : Stage.GROUPS_4);
        default -> prefer(Stage.CODES_8);
      }
    }
  }

  /** The kernels for dense weights of a type come next. */
  static void prefer(DType type) {
    if (!STAGES.isEmpty()) {
      prefer(switch (type) {
        case F16 -> Stage.F16;
        case BF16 -> Stage.BF16;
        default -> Stage.F32;
      });
    }
  }

  private static void prefer(Stage stage) {
    if (STAGES.peekFirst() != stage && STAGES.remove(stage)) {
      STAGES.addFirst(stage);
    }
  }

  private static void run() {
    long end = System.nanoTime() + NANOS;
    try (SimdSession session = SimdSession.cold(1)) {
      for (Stage stage = STAGES.pollFirst(); stage != null; stage = STAGES.pollFirst()) {
        List<Runnable> kernels = new ArrayList<>();
        switch (stage) {
          case ROWS -> rows(session, kernels);
          case CODES_4 -> linear(session, 4, 1 << 30, kernels);
          case GROUPS_4 -> linear(session, 4, 128, kernels);
          case CODES_2 -> linear(session, 2, 128, kernels);
          case CODES_3 -> linear(session, 3, 128, kernels);
          case CODES_8 -> linear(session, 8, 1 << 30, kernels);
          case TERNARY -> ternary(session, kernels);
          case F16 -> dense(session, DType.F16, kernels);
          case F32 -> dense(session, DType.F32, kernels);
          case BF16 -> dense(session, DType.BF16, kernels);
        }
        for (Runnable kernel : kernels) {
          warm(kernel, end);
        }
      }
    }
  }

  /** Repeats a kernel until it has become much faster, or a share of the time is spent on it. */
  private static void warm(Runnable kernel, long end) {
    long start = System.nanoTime();
    long slowest = 0;
    long took;
    do {
      long before = System.nanoTime();
      kernel.run();
      took = System.nanoTime() - before;
      slowest = Math.max(slowest, took);
    } while (took > slowest / FASTER && before(start + NANOS / 6) && before(end));
  }

  private static boolean before(long time) {
    return System.nanoTime() - time < 0;
  }

  private static void linear(SimdSession session, int bits, int groupSize, List<Runnable> kernels) {
    ChannelOrder order = new ChannelOrder(ChannelOrder.identity(COLUMNS).order(), new int[] {0, COLUMNS * 7 / 8});
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, groupSize);
      int groups = groupEnds.length;
      classes.add(new CodeClass(columns, bits, 0, groupEnds,
          Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, bits)), Tensor.allocate(DType.F32, ROWS, groups),
          Tensor.allocate(DType.I16, ROWS, groups)));
    }
    accumulate(session.prepare(new QuantizedWeight(ROWS, order, classes)), order, kernels);
  }

  /** Weights that are spike trains of one time step and of four. */
  private static void ternary(SimdSession session, List<Runnable> kernels) {
    ChannelOrder order = new ChannelOrder(ChannelOrder.identity(COLUMNS).order(), new int[] {0, COLUMNS * 7 / 8});
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < order.classes(); c++) {
      int columns = order.end(c) - order.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, c == 0 ? 102 : 13);
      Tensor zero = Tensor.allocate(DType.I16, 1, 1);
      zero.setInt(0, 0, c == 0 ? 1 : 4);
      classes.add(new CodeClass(columns, 4, c == 0 ? 1 : 4, groupEnds, Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, 4)),
          Tensor.allocate(DType.F16, ROWS, groupEnds.length), zero));
    }
    accumulate(session.prepare(new QuantizedWeight(ROWS, order, classes)), order, kernels);
  }

  private static void accumulate(SpikingLinear linear, ChannelOrder order, List<Runnable> kernels) {
    for (int tokens : new int[] {1, 9}) {
      SpikeTrain train = new SpikeTrain(order, List.of(Tensor.allocate(DType.I8, tokens, COLUMNS)),
          Tensor.allocate(DType.F32, tokens, 2), Tensor.allocate(DType.I32, tokens, 2), 0);
      for (int c = 0; c < COLUMNS; c++) {
        train.planes().getFirst().setInt(0, c, c % 16);
      }
      Tensor out = Tensor.allocate(DType.F32, tokens, ROWS);
      kernels.add(() -> linear.accumulate(train, out));
    }
    Tensor x = Tensor.allocate(DType.F32, 7, COLUMNS);
    Tensor out = Tensor.allocate(DType.F32, 7, ROWS);
    kernels.add(() -> linear.accumulate(x, out));
  }

  private static void dense(SimdSession session, DType type, List<Runnable> kernels) {
    Tensor b = Tensor.allocate(type, ROWS, COLUMNS);
    for (int rows : new int[] {1, 12}) {
      Tensor a = Tensor.allocate(DType.F32, rows, COLUMNS);
      Tensor out = Tensor.allocate(DType.F32, rows, ROWS);
      kernels.add(() -> session.matmul(a, b, out));
    }
  }

  private static void rows(SimdSession session, List<Runnable> kernels) {
    Tensor x = Tensor.allocate(DType.F32, 2, COLUMNS);
    Tensor weight = Tensor.allocate(DType.F32, 1, COLUMNS);
    Tensor table = Tensor.allocate(DType.F32, 2, 64);
    kernels.add(() -> session.rmsNorm(x, weight, 1e-5f, x));
    Dynamics dynamics = new Dynamics(1, 1, 0, 15, 1);
    Encoding encoding = new Encoding(new Clipped(), ChannelOrder.identity(COLUMNS), List.of(dynamics), true);
    SpikeTrain train = SpikeTrain.allocate(encoding, 2);
    kernels.add(() -> session.encode(x, encoding, train));
    kernels.add(() -> session.rope(x, 64, table, 0));
    kernels.add(() -> session.swiGlu(x, x, x));
    kernels.add(() -> session.softmax(x));
    boolean[] plain = new boolean[COLUMNS / 4];
    float[] range = new float[COLUMNS / 4];
    KeyValues cache = KeyValues.allocate(COLUMNS / 256, 64, 64,
        new KeyValueEncoding(new Clipped(), dynamics, dynamics, true, plain, range, range, plain));
    Tensor out = Tensor.allocate(DType.F32, 2, COLUMNS);
    kernels.add(() -> session.attention(x, cache, 62, out));
  }

  /** A neuron of which only the collapsed counts are used. */
  private static final class Clipped implements NeuronModel {

    @Override
    public String id() {
      return "clipped";
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      throw new IllegalStateException("only collapsed counts are asked for");
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return true;
    }
  }
}
