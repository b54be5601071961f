package org.spikellm.backend.nativecode;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.spikellm.api.CountRow;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.LoopPool;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Checks shapes and hands addresses to the library, which owns threads and the memory of prepared weights. */
final class NativeSession implements Session {

  private final Tables tables = new Tables();
  private final List<NativeDecoder> decoders = new ArrayList<>();
  /** The library's threads run C. */
  private final LoopPool loops;
  /** The library's session; 0 when closed. */
  private long handle;

  NativeSession(int threads, Instructions instructions) {
    loops = new LoopPool(threads);
    handle = Kernels.open(threads, instructions.ordinal());
    if (handle == 0) {
      throw new IllegalStateException("backend 'native' cannot start " + threads + " threads; open it with fewer");
    }
  }

  long handle() {
    if (handle == 0) {
      throw new IllegalStateException("this session of backend 'native' is closed");
    }
    return handle;
  }

  Tables tables() {
    return tables;
  }

  /** Fails if a call of the library ran out of memory. */
  static void check(int failed) {
    if (failed != 0) {
      throw new OutOfMemoryError("backend 'native': no memory left for what a kernel works with");
    }
  }

  static long address(Tensor tensor) {
    return tensor.segment().address();
  }

  /** What the library calls the type of a tensor of floats. */
  static int type(Tensor tensor) {
    return switch (tensor.dtype()) {
      case F16 -> 1;
      case BF16 -> 2;
      default -> 0;
    };
  }

  /** What the library calls the type of a cache; its counts are null where it holds floats. */
  static int cacheType(CountRow counts) {
    return counts == null ? 0 : counts.isPacked() ? counts.bits() : counts.bits() / 8;
  }

  /** Keeps the memory of tensors from being freed while the library works on it. */
  static void keep(Tensor... tensors) {
    Reference.reachabilityFence(tensors);
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    long session = handle();
    Shapes.matmul(a, b, out);
    if (a.rows() == 0 || b.rows() == 0) {
      return;
    }
    check(Kernels.matmul(session, address(a), address(b), type(b), a.rows(), b.rows(), b.columns(), address(out)));
    keep(a, b, out);
  }

  @Override
  public boolean readsTiles() {
    return true;
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    return new NativeLinear(weight, this);
  }

  @Override
  public Optional<DecoderSession> decoder(DecoderPlan plan) {
    if (!NativeDecoder.suits(plan)) {
      return Optional.empty();
    }
    NativeDecoder decoder = new NativeDecoder(plan, this);
    decoders.add(decoder);
    return Optional.of(decoder);
  }

  /** That it is closed. */
  void forget(NativeDecoder decoder) {
    decoders.remove(decoder);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    long session = handle();
    Shapes.f32("norm input", x, x.rows(), weight.columns());
    Shapes.f32("norm weight", weight, 1, x.columns());
    Shapes.f32("norm output", out, x.rows(), x.columns());
    Kernels.rmsNorm(session, address(x), address(weight), epsilon, x.rows(), x.columns(), address(out));
    keep(x, weight, out);
  }

  @Override
  public void rope(Tensor x, int headDim, Tensor table, int position) {
    long session = handle();
    Shapes.rope(x, headDim, table, position);
    Kernels.rope(session, address(x), x.rows(), x.columns(), headDim, address(table) + position * table.rowBytes());
    keep(x, table);
  }

  @Override
  public void softmax(Tensor x) {
    long session = handle();
    Shapes.f32("softmax", x, x.rows(), x.columns());
    Kernels.softmax(session, address(x), x.rows(), x.columns());
    keep(x);
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    long session = handle();
    Shapes.f32("gate", gate, gate.rows(), gate.columns());
    Shapes.f32("up", up, gate.rows(), gate.columns());
    Shapes.f32("gated output", out, gate.rows(), gate.columns());
    Kernels.swiglu(session, address(gate), address(up), gate.rows(), gate.columns(), address(out));
    keep(gate, up, out);
  }

  @Override
  public void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    long session = handle();
    if (!encoding.collapsed() || x.columns() == 0) {
      Session.super.encode(x, encoding, out);
      return;
    }
    Shapes.encode(x, encoding, out);
    Tables.Levels levels = tables.levels(encoding);
    Tensor counts = out.planes().getFirst();
    check(Kernels.encode(session, address(x), x.rows(), x.columns(), levels.order().address(), encoding.dynamics().size(),
        levels.levels().address(), address(counts), counts.dtype() == DType.I16 ? 1 : 0, out.offset(), address(out.thresholds()),
        address(out.zeros())));
    keep(x, counts, out.thresholds(), out.zeros());
    Reference.reachabilityFence(levels);
  }

  @Override
  public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    long session = handle();
    Shapes.attention(queries, cache, position, out);
    if (queries.rows() == 0) {
      return;
    }
    CountRow counts = cache.counts();
    boolean spiking = cache.spiking();
    MemorySegment ranges = spiking ? tables.ranges(cache.encoding()) : MemorySegment.NULL;
    check(Kernels.attention(session, address(queries), queries.rows(), queries.columns() / cache.headDim(), cache.kvHeads(),
        cache.headDim(), cache.capacity(), position, cacheType(counts), spiking ? counts.low() : 0, address(cache.keys()),
        address(cache.values()), ranges.address(), spiking ? address(cache.valueThresholds()) : 0,
        spiking ? address(cache.valueZeros()) : 0, address(out)));
    keep(queries, cache.keys(), cache.values(), cache.valueThresholds(), cache.valueZeros(), out);
    Reference.reachabilityFence(ranges);
  }

  @Override
  public void forEach(int count, IntConsumer body) {
    handle();
    loops.forEach(count, body);
  }

  @Override
  public void close() {
    if (handle != 0) {
      List.copyOf(decoders).forEach(NativeDecoder::close);
      Kernels.close(handle);
      handle = 0;
      loops.close();
    }
  }
}
