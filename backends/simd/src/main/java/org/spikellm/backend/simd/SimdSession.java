package org.spikellm.backend.simd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import org.spikellm.api.DType;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Checks shapes, cuts the work into slices for the workers and owns the memory of prepared weights. */
final class SimdSession implements Session {

  /** Multiply-adds, or elements of like cost, that a slice has at least: some 10 µs, which hide the cost of claiming it. */
  private static final long SLICE_WORK = 1 << 18;

  /** Encodings that are remembered: those of a model, and not those of all that is trained. */
  private static final int MOST_ENCODINGS = 256;

  private final Arena arena = Arena.ofShared();
  private final WeightMemory weights = new WeightMemory(arena);
  private final Workers workers;
  private final Scratch[] scratch;
  private final CountEncoder[] encoders;
  /** [workers][tokens] */
  private final TernaryTables[][] tables;
  private final List<Scratch> staging = new ArrayList<>();
  private final Map<KeyValueEncoding, CachedRows.Channels> channels = new IdentityHashMap<>();
  private final SpikePlanes planes = new SpikePlanes();
  private float[] shared = {};
  private final Kernels kernels;
  private boolean closed;

  /** Which of two kernels that compute the same bits a session runs: one with vectors, or one without. */
  enum Kernels {
    VECTOR, PLAIN,
    /** With vectors as soon as {@link Warmup} has had those compiled. */
    COMPILED
  }

  /** A session for {@code threads} threads, the caller's included. */
  SimdSession(int threads, Kernels kernels) {
    this.kernels = kernels;
    workers = new Workers(threads);
    scratch = new Scratch[threads];
    encoders = new CountEncoder[threads];
    tables = new TernaryTables[threads][0];
    for (int i = 0; i < threads; i++) {
      scratch[i] = new Scratch();
      encoders[i] = new CountEncoder();
    }
  }

  static SimdSession open(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: expected at least 1, found " + threads);
    }
    Warmup.check();
    return new SimdSession(threads, Kernels.COMPILED);
  }

  /** Whether kernels without vectors run in place of those of a stage. */
  boolean plain(Warmup.Stage stage) {
    return switch (kernels) {
      case VECTOR -> false;
      case PLAIN -> true;
      case COMPILED -> !Warmup.compiled(stage);
    };
  }

  /** Whether kernels for many tokens of a stage run, or those for few in their place. */
  boolean forMany(Warmup.Stage stage) {
    return kernels != Kernels.COMPILED || Warmup.compiledForMany(stage);
  }

  /** As {@link #plain(Warmup.Stage)}, where some tokens are about to be multiplied with so many weights. */
  boolean plain(Warmup.Stage stage, int tokens, long weights) {
    boolean plain = plain(stage);
    if (plain && kernels == Kernels.COMPILED) {
      Warmup.plain(stage, tokens, tokens * weights);
    }
    return plain;
  }

  /** Whether dense weights of a type are multiplied without vectors. */
  boolean plain(DType type) {
    return plain(Warmup.stage(type));
  }

  WeightMemory weights() {
    return weights;
  }

  Workers workers() {
    return workers;
  }

  Scratch scratch(int worker) {
    return scratch[worker];
  }

  /** Memory that the caller fills and all workers read, valid until the next call. */
  float[] shared(int length) {
    return shared = shared.length < length ? new float[length] : shared;
  }

  /** What the caller fills and all workers read, valid until the next call. */
  SpikePlanes planes() {
    return planes;
  }

  /** Memory for the spikes of one column class, filled and read as {@link #shared}. */
  Scratch staging(int columnClass) {
    while (staging.size() <= columnClass) {
      staging.add(new Scratch());
    }
    return staging.get(columnClass);
  }

  /** Tables of {@code tokens} tokens or more for one worker, valid until its next call. */
  TernaryTables[] tables(int worker, int tokens) {
    int known = tables[worker].length;
    if (known < tokens) {
      TernaryTables[] more = Arrays.copyOf(tables[worker], tokens);
      for (int t = known; t < tokens; t++) {
        more[t] = new TernaryTables();
      }
      tables[worker] = more;
    }
    return tables[worker];
  }

  /** How many of {@code count} items of {@code work} each make a slice: enough to be worth it, and four slices a thread at least. */
  int grain(int count, long work) {
    long enough = Math.max(1, SLICE_WORK / Math.max(1, work));
    return (int) Math.max(1, Math.min(enough, workers.threads() == 1 ? count : count / (4L * workers.threads())));
  }

  /**
   * Slices of what is read out of memory, (first, last + 1) of each: an equal part for every thread, long streams being the
   * fastest, and the last eighths of them apart, so that the threads end together.
   */
  int[] longSlices(int count) {
    int threads = workers.threads();
    int[] slices = new int[4 * threads];
    int n = 0;
    for (int rest = 0; rest < 2; rest++) {
      for (int t = 0; t < threads; t++) {
        int first = (int) ((long) count * t / threads);
        int last = (int) ((long) count * (t + 1) / threads);
        int cut = threads == 1 ? last : last - (last - first) / 8;
        int from = rest == 0 ? first : cut;
        int to = rest == 0 ? cut : last;
        if (from < to) {
          slices[n++] = from;
          slices[n++] = to;
        }
      }
    }
    return Arrays.copyOf(slices, n);
  }

  /** The channels of an encoding, computed once for each; null for null. */
  private CachedRows.Channels channels(KeyValueEncoding encoding) {
    if (encoding == null) {
      return null;
    }
    if (channels.size() > MOST_ENCODINGS) {
      channels.clear();
    }
    return channels.computeIfAbsent(encoding, CachedRows.Channels::of);
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("this session of backend 'simd' is closed");
    }
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    checkOpen();
    Shapes.matmul(a, b, out);
    plain(Warmup.stage(b.dtype()), a.rows(), (long) b.rows() * b.columns());
    DenseProduct.matmul(a, b, out, this);
  }

  @Override
  public boolean readsTiles() {
    return true;
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return prepare(weight, null);
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight, Encoding input) {
    checkOpen();
    if (kernels == Kernels.COMPILED) {
      Warmup.weight(Warmup.stage(weight, input), (long) weight.rows() * weight.columns());
    }
    return PlaneCodes.suit(weight, input) ? new PlaneLinear(weight, this)
        : TernaryCodes.suit(weight) ? new TernaryLinear(weight, this, input != null) : new SimdLinear(weight, this);
  }

  @Override
  public void accumulate(List<SpikingLinear> layers, Tensor x, List<Tensor> outs) {
    checkOpen();
    if (x.rows() != 1 || !layers.stream().allMatch(TernaryLinear.class::isInstance)) {
      Session.super.accumulate(layers, x, outs);
      return;
    }
    Shapes.accumulate(layers, x, outs);
    TernaryLinear.accumulate(layers.stream().map(TernaryLinear.class::cast).toList(), x, outs, this);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    checkOpen();
    Shapes.f32("norm input", x, x.rows(), weight.columns());
    Shapes.f32("norm weight", weight, 1, x.columns());
    Shapes.f32("norm output", out, x.rows(), x.columns());
    boolean plain = plain(Warmup.Stage.ROWS);
    rows(x.rows(), x.columns(), t -> {
      if (plain) {
        PlainRows.rmsNorm(row(x, t), weight.segment(), row(out, t), x.columns(), epsilon);
      } else {
        RowKernels.rmsNorm(row(x, t), weight.segment(), row(out, t), x.columns(), epsilon);
      }
    });
  }

  @Override
  public void rope(Tensor x, int headDim, Tensor table, int position) {
    checkOpen();
    Shapes.rope(x, headDim, table, position);
    boolean plain = plain(Warmup.Stage.ROWS);
    rows(x.rows(), x.columns(), t -> {
      float[] angles = new float[headDim];
      table.readRow(position + t, angles);
      if (plain) {
        PlainRows.rope(row(x, t), x.columns(), headDim / 2, angles);
      } else {
        RowKernels.rope(row(x, t), x.columns(), headDim / 2, angles);
      }
    });
  }

  @Override
  public void softmax(Tensor x) {
    checkOpen();
    Shapes.f32("softmax", x, x.rows(), x.columns());
    boolean plain = plain(Warmup.Stage.ROWS);
    int grain = grain(x.rows(), 8L * x.columns());
    workers.forEach(Lanes.ceilDiv(x.rows(), grain), (slice, worker) -> {
      float[] row = scratch[worker].a(Lanes.padded(x.columns()));
      float[] part = scratch[worker].c(Lanes.COUNT);
      for (int t = slice * grain; t < Math.min(x.rows(), (slice + 1) * grain); t++) {
        x.readRow(t, row);
        RowKernels.scale(row, 0, x.columns(), plain ? PlainRows.softmax(row, 0, x.columns(), part)
            : RowKernels.softmax(row, 0, x.columns(), part));
        MemorySegment.copy(row, 0, x.segment(), Tensor.FLOAT, t * x.rowBytes(), x.columns());
      }
    });
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    checkOpen();
    Shapes.f32("gate", gate, gate.rows(), gate.columns());
    Shapes.f32("up", up, gate.rows(), gate.columns());
    Shapes.f32("gated output", out, gate.rows(), gate.columns());
    boolean plain = plain(Warmup.Stage.ROWS);
    rows(gate.rows(), 8 * gate.columns(), t -> {
      if (plain) {
        PlainRows.swiGlu(row(gate, t), row(up, t), row(out, t), 0, gate.columns());
      } else {
        RowKernels.swiGlu(row(gate, t), row(up, t), row(out, t), 0, gate.columns());
      }
    });
  }

  @Override
  public void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    checkOpen();
    if (!encoding.collapsed() || x.columns() == 0 || plain(Warmup.Stage.ROWS)) {
      Session.super.encode(x, encoding, out);
      return;
    }
    Shapes.encode(x, encoding, out);
    int grain = grain(x.rows(), 8L * x.columns());
    workers.forEach(Lanes.ceilDiv(x.rows(), grain), (slice, worker) -> {
      for (int t = slice * grain; t < Math.min(x.rows(), (slice + 1) * grain); t++) {
        encoders[worker].encode(x, encoding, out, t);
      }
    });
  }

  @Override
  public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    checkOpen();
    Shapes.attention(queries, cache, position, out);
    if (queries.rows() > 0) {
      new TiledAttention(queries, cache, channels(cache.encoding()), position, out, plain(Warmup.Stage.ATTENTION)).run(this);
    }
  }

  @Override
  public void forEach(int count, IntConsumer body) {
    checkOpen();
    workers.forEach(count, (index, worker) -> body.accept(index));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      workers.close();
      arena.close();
    }
  }

  private interface Row {
    void run(int row);
  }

  private void rows(int count, int work, Row body) {
    int grain = grain(count, work);
    workers.forEach(Lanes.ceilDiv(count, grain), (slice, worker) -> {
      for (int t = slice * grain; t < Math.min(count, (slice + 1) * grain); t++) {
        body.run(t);
      }
    });
  }

  private static MemorySegment row(Tensor x, int row) {
    return x.segment().asSlice(row * x.rowBytes(), x.rowBytes());
  }
}
