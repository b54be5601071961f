package org.spikellm.backend.simd;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingDeque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
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
 * Runs kernels on small shapes until the compiler has taken them up: vectors are objects until then, and a kernel takes a
 * thousand times as long. Once a process, in the background, as soon as there is work that is worth it: while a large model is loaded, and
 * once a small one has run for some time without vectors, which it does well, and starts sooner for it. First those that most of the
 * work needs, then those that every model needs. The compiler has enough to do then; what nobody asks for is left out.
 */
final class Warmup {

  /** Kernels that are compiled together. */
  enum Stage {
    ROWS, ATTENTION, CODES_4, F16, TERNARY, PLANES, CODES_8, F32, GROUPS_4, CODES_2, CODES_3, BF16,
    /** Codes with inputs in float. */
    FLOAT_INPUTS
  }

  private static final AtomicBoolean STARTED = new AtomicBoolean();

  private static final Set<Stage> COMPILED = ConcurrentHashMap.newKeySet();

  /** Stages whose kernels for many tokens are compiled, too. */
  private static final Set<Stage> COMPILED_FOR_MANY = ConcurrentHashMap.newKeySet();

  /** What every model needs. */
  private static final List<Stage> ALWAYS = List.of(Stage.ROWS, Stage.ATTENTION);

  private static final Set<Stage> DENSE = EnumSet.of(Stage.F16, Stage.BF16, Stage.F32);

  /** What is still to do. */
  private static final BlockingDeque<Stage> STAGES = new LinkedBlockingDeque<>(ALWAYS);

  /** What is to be done, whether it is done or not. */
  private static final Set<Stage> WANTED = ConcurrentHashMap.newKeySet();

  static {
    WANTED.addAll(ALWAYS);
  }

  /** Codes of weights whose first prompt is worth to be ready for while they are loaded: a second a token without vectors. */
  private static final long MANY_CODES = 1L << 35;

  /** Multiply-adds without vectors, done or about to be done, that make these worth it: some seconds, in which they would be compiled. */
  private static final long MUCH_WORK = 1L << 37;

  /** Multiply-adds without vectors, done, after which these are compiled once tokens come one by one: the first answer is out then. */
  private static final long SOME_WORK = 1L << 31;

  /** How many times as long as one with a code a multiply-add with a dense weight takes without vectors. */
  private static final long DENSE_TIME = 8;

  private static final LongAdder CODES = new LongAdder();
  private static final LongAdder DONE = new LongAdder();

  /** Time a kernel may take: where compilation is slower than this, real work goes on with it. */
  private static final long NANOS = 3_000_000_000L;

  /** How many times faster a kernel is once it is compiled; in truth some hundred times. */
  private static final long FASTER = 20;

  /**
   * How many times as long as without vectors a compiled kernel may take; in truth about half, and those of codes, which have to take less
   * at least, an eighth.
   */
  private static final double SLOWER = 2;
  private static final double LESS = 0.5;

  /** Runs in which a kernel without vectors does not become faster, after which it is compiled itself. */
  private static final int PLAIN_RUNS = 20;

  private static final int ROWS = 2 * Lanes.BLOCK;
  private static final int COLUMNS = 1024;
  private static final ChannelOrder ORDER = new ChannelOrder(ChannelOrder.identity(COLUMNS).order(), new int[] {0, COLUMNS * 7 / 8});
  private static final Dynamics DYNAMICS = new Dynamics(1, 1, 0, 15, 1);

  /**
   * Something to run.
   *
   * @param hasPlain whether a session may have another kernel for it, without vectors
   * @param slower how many times as long as that it may take
   * @param few whether it does for few tokens what the next one does for many
   */
  private record Kernel(boolean hasPlain, double slower, boolean few, Runnable run) {

    Kernel(boolean hasPlain, Runnable run) {
      this(hasPlain, SLOWER, false, run);
    }
  }

  private Warmup() {}

  /** Notes a weight, which all tokens will be multiplied with. */
  static void weight(Stage stage, long codes) {
    prefer(stage);
    CODES.add(codes);
    if (stage == Stage.TERNARY || CODES.sum() >= MANY_CODES) {   // there are no others for tables
      start();
    }
  }

  /** Notes that some tokens are about to be multiplied without a stage's kernels. */
  static void plain(Stage stage, int tokens, long multiplyAdds) {
    prefer(stage);
    DONE.add(DENSE.contains(stage) ? DENSE_TIME * multiplyAdds : multiplyAdds);
    boolean oneByOne = tokens == 1 && !DENSE.contains(stage);   // a head has one of a prompt, too
    if (Math.max(DONE.sum(), tokens * CODES.sum()) >= MUCH_WORK || oneByOne && DONE.sum() >= SOME_WORK) {
      start();
    }
  }

  /** Says so, once, where the JVM has no compiler that makes vectors: nothing will be compiled then. */
  static void check() {
    if (!compilesVectors(System.getProperty("java.vm.info", "")) && STARTED.compareAndSet(false, true)) {
      warn();
    }
  }

  /** Starts it, unless it was started before. */
  static void start() {
    if (STARTED.compareAndSet(false, true)) {
      Thread.ofPlatform().daemon().name("spikellm-simd-warmup").priority(Thread.MIN_PRIORITY).start(Warmup::run);
    }
  }

  /** Whether a stage's kernels are compiled, or have had their time. */
  static boolean compiled(Stage stage) {
    return COMPILED.contains(stage);
  }

  /** Whether a stage's kernels for many tokens are; those for a few, which come first, take longer and give the same. */
  static boolean compiledForMany(Stage stage) {
    return COMPILED_FOR_MANY.contains(stage);
  }

  /** The stage of the kernels for a quantized weight with such inputs: of most of its columns, where classes differ. */
  static Stage stage(QuantizedWeight weight, Encoding input) {
    if (PlaneCodes.suit(weight, input)) {
      return Stage.PLANES;
    }
    if (TernaryCodes.suit(weight)) {
      return Stage.TERNARY;
    }
    CodeClass first = weight.classes().getFirst();
    return switch (CodeLayout.of(first.bits()).bits()) {
      case 2 -> Stage.CODES_2;
      case 3 -> Stage.CODES_3;
      case 4 -> first.groups() > 1 ? Stage.GROUPS_4 : Stage.CODES_4;
      default -> Stage.CODES_8;
    };
  }

  /** The stage of the kernels for dense weights. */
  static Stage stage(DType type) {
    return switch (type) {
      case F16 -> Stage.F16;
      case BF16 -> Stage.BF16;
      default -> Stage.F32;
    };
  }

  /** The kernels of a stage come next, unless they are compiled, or just being. */
  static void prefer(Stage stage) {
    if (WANTED.add(stage) || STAGES.peekFirst() != stage && STAGES.remove(stage)) {
      STAGES.addFirst(stage);
    }
  }

  private static void run() {
    boolean any = false;
    try (SimdSession vector = new SimdSession(1, SimdSession.Kernels.VECTOR);
        SimdSession plain = new SimdSession(1, SimdSession.Kernels.PLAIN)) {
      while (true) {
        Stage stage = STAGES.takeFirst();
        List<Kernel> kernels = kernels(stage, vector);
        List<Kernel> others = kernels(stage, plain);
        for (int i = 0; i < kernels.size(); i++) {
          any |= warm(kernels.get(i), others.get(i));
          if (any && kernels.get(i).few) {
            COMPILED.add(stage);
          }
        }
        if (!any) {
          warn();
          return;
        }
        COMPILED.add(stage);
        COMPILED_FOR_MANY.add(stage);
      }
    } catch (InterruptedException e) {
      return;   // nobody does that; the kernels without vectors go on
    }
  }

  /** Whether a JVM that describes itself so has the compiler that makes vectors; others may turn out not to. */
  static boolean compilesVectors(String vm) {
    return !vm.contains("interpreted mode") && !vm.contains("emulated-client");
  }

  private static void warn() {
    System.getLogger(SimdBackend.class.getName()).log(System.Logger.Level.WARNING, "backend 'simd': this JVM ("
        + System.getProperty("java.vm.name") + ", " + System.getProperty("java.vm.info") + ") does not compile the Vector API to vectors: "
        + "kernels without them run in its place, several times slower; use HotSpot with its C2 compiler");
  }

  private static List<Kernel> kernels(Stage stage, SimdSession session) {
    List<Kernel> kernels = new ArrayList<>();
    switch (stage) {
      case ROWS -> rows(session, kernels);
      case ATTENTION -> attention(session, kernels);
      case CODES_4 -> spikes(linear(session, 4, 1 << 30), kernels);
      case GROUPS_4 -> spikes(linear(session, 4, 128), kernels);
      case CODES_2 -> spikes(linear(session, 2, 128), kernels);
      case CODES_3 -> spikes(linear(session, 3, 128), kernels);
      case CODES_8 -> spikes(linear(session, 8, 1 << 30), kernels);
      case FLOAT_INPUTS -> floats(linear(session, 4, 128), kernels);
      case TERNARY -> {
        SpikingLinear linear = ternary(session);
        spikes(linear, kernels);
        floats(linear, kernels);
      }
      case PLANES -> spikes(planes(session), kernels);
      case F16 -> dense(session, DType.F16, kernels);
      case F32 -> dense(session, DType.F32, kernels);
      case BF16 -> dense(session, DType.BF16, kernels);
    }
    return kernels;
  }

  /**
   * Repeats a kernel until it is much faster than at first, and takes no longer than it may beside one without vectors.
   *
   * @return whether it has become so within its time
   */
  private static boolean warm(Kernel vector, Kernel plain) {
    double most = vector.hasPlain ? vector.slower * compiled(plain.run) : Double.MAX_VALUE;
    long end = System.nanoTime() + NANOS;
    long slowest = 0;
    long took;
    do {
      took = nanos(vector.run);
      slowest = Math.max(slowest, took);
    } while (took > Math.min(most, slowest / FASTER) && before(end));
    return before(end);
  }

  /** How long a kernel without vectors takes once it has stopped to become faster. */
  private static long compiled(Runnable kernel) {
    long best = Long.MAX_VALUE;
    for (int since = 0; since < PLAIN_RUNS; since++) {
      long took = nanos(kernel);
      if (took < best - best / 8) {
        since = 0;
      }
      best = Math.min(best, took);
    }
    return best;
  }

  private static long nanos(Runnable kernel) {
    long start = System.nanoTime();
    kernel.run();
    return System.nanoTime() - start;
  }

  private static boolean before(long time) {
    return System.nanoTime() - time < 0;
  }

  private static SpikingLinear linear(SimdSession session, int bits, int groupSize) {
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < ORDER.classes(); c++) {
      int columns = ORDER.end(c) - ORDER.start(c);
      int[] groupEnds = CodeClass.groupEnds(columns, groupSize);
      int groups = groupEnds.length;
      classes.add(new CodeClass(columns, bits, 0, groupEnds,
          Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, bits)), Tensor.allocate(DType.F32, ROWS, groups),
          Tensor.allocate(DType.I16, ROWS, groups)));
    }
    return session.prepare(new QuantizedWeight(ROWS, ORDER, classes));
  }

  /** Weights that are spike trains of one time step and of four. */
  private static SpikingLinear ternary(SimdSession session) {
    return session.prepare(new QuantizedWeight(ROWS, ORDER, List.of(trains(0, 4, 1, 102), trains(1, 4, 4, 13))));
  }

  /** Spikes of one time step, for counts of few bits. */
  private static SpikingLinear planes(SimdSession session) {
    Encoding input = new Encoding(new Clipped(), ORDER, List.of(DYNAMICS, DYNAMICS), true);
    return session.prepare(new QuantizedWeight(ROWS, ORDER, List.of(trains(0, 2, 1, 128), trains(1, 2, 1, 128))), input);
  }

  private static CodeClass trains(int c, int bits, int timeSteps, int groupSize) {
    int columns = ORDER.end(c) - ORDER.start(c);
    int[] groupEnds = CodeClass.groupEnds(columns, groupSize);
    Tensor zero = Tensor.allocate(DType.I16, 1, 1);
    zero.setInt(0, 0, timeSteps);
    return new CodeClass(columns, bits, timeSteps, groupEnds, Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, bits)),
        Tensor.allocate(DType.F16, ROWS, groupEnds.length), zero);
  }

  private static void spikes(SpikingLinear linear, List<Kernel> kernels) {
    for (int tokens : new int[] {1, 9}) {
      SpikeTrain train = new SpikeTrain(ORDER, List.of(Tensor.allocate(DType.I8, tokens, COLUMNS)),
          Tensor.allocate(DType.F32, tokens, 2), Tensor.allocate(DType.I32, tokens, 2), 0);
      for (int c = 0; c < COLUMNS; c++) {
        train.planes().getFirst().setInt(0, c, c % 16);
      }
      Tensor out = Tensor.allocate(DType.F32, tokens, ROWS);
      kernels.add(new Kernel(!(linear instanceof TernaryLinear), LESS, tokens == 1, () -> linear.accumulate(train, out)));
    }
  }

  private static void floats(SpikingLinear linear, List<Kernel> kernels) {
    Tensor x = Tensor.allocate(DType.F32, 7, COLUMNS);
    Tensor out = Tensor.allocate(DType.F32, 7, ROWS);
    kernels.add(new Kernel(false, () -> linear.accumulate(x, out)));
  }

  private static void dense(SimdSession session, DType type, List<Kernel> kernels) {
    Tensor b = Tensor.allocate(type, ROWS, COLUMNS);
    for (int rows : new int[] {1, 12}) {
      Tensor a = Tensor.allocate(DType.F32, rows, COLUMNS);
      Tensor out = Tensor.allocate(DType.F32, rows, ROWS);
      kernels.add(new Kernel(true, () -> session.matmul(a, b, out)));
    }
  }

  private static void rows(SimdSession session, List<Kernel> kernels) {
    Tensor x = Tensor.allocate(DType.F32, 2, COLUMNS);
    Tensor weight = Tensor.allocate(DType.F32, 1, COLUMNS);
    Tensor table = Tensor.allocate(DType.F32, 2, 64);
    kernels.add(new Kernel(true, () -> session.rmsNorm(x, weight, 1e-5f, x)));
    Encoding encoding = new Encoding(new Clipped(), ChannelOrder.identity(COLUMNS), List.of(DYNAMICS), true);
    SpikeTrain train = SpikeTrain.allocate(encoding, 2);
    kernels.add(new Kernel(true, () -> session.encode(x, encoding, train)));
    kernels.add(new Kernel(true, () -> session.rope(x, 64, table, 0)));
    kernels.add(new Kernel(true, () -> session.swiGlu(x, x, x)));
    kernels.add(new Kernel(true, () -> session.softmax(x)));
  }

  private static void attention(SimdSession session, List<Kernel> kernels) {
    Tensor x = Tensor.allocate(DType.F32, 2, COLUMNS);
    boolean[] plain = new boolean[COLUMNS / 4];
    float[] range = new float[COLUMNS / 4];
    List<KeyValues> caches = IntStream.of(1, 2, 4) // counts of 4, 5 and 6 bits
        .mapToObj(steps -> new Dynamics(1, 1, 0, 15, steps))
        .map(salient -> new KeyValueEncoding(new Clipped(), DYNAMICS, salient, true, plain, range, range, plain))
        .map(encoding -> KeyValues.allocate(COLUMNS / 256, 64, 66, encoding)).toList();
    Tensor out = Tensor.allocate(DType.F32, 2, COLUMNS);
    kernels.add(new Kernel(true, () -> caches.forEach(cache -> session.attention(x, cache, 62, out))));
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
