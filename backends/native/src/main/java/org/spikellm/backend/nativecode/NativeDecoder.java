package org.spikellm.backend.nativecode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Shapes;
import org.spikellm.api.Tensor;

/** All blocks in one call of the library, which threads enter together and leave together. */
final class NativeDecoder implements DecoderSession {

  private final DecoderPlan plan;
  private final NativeSession session;
  /** What the library reads as long as it runs the model, all of it. */
  private final List<Object> kept = new ArrayList<>();
  /** The library's decoder; 0 when closed. */
  private long handle;

  NativeDecoder(DecoderPlan plan, NativeSession session) {
    this.plan = plan;
    this.session = session;
    List<Long> model = new ArrayList<>();
    BlockShape shape = plan.shape();
    Stream.of(shape.hidden(), shape.heads(), shape.kvHeads(), shape.headDim(), shape.intermediate(), plan.blocks().size(),
        Float.floatToRawIntBits(shape.epsilon())).forEach(number -> model.add((long) number));
    model.add(NativeSession.address(plan.finalNorm()));
    describe(plan.head(), model);
    plan.blocks().forEach(block -> describe(block, model));
    MemorySegment description = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG,
        model.stream().mapToLong(Long::longValue).toArray());
    kept.add(description);
    handle = Kernels.decoder(session.handle(), description.address());
    if (handle == 0) {
      throw new OutOfMemoryError("backend 'native': no memory left for a decoder");
    }
  }

  /** Whether the library can run all of it: a whole model, what is encoded as counts at once. */
  static boolean suits(DecoderPlan plan) {
    return plan.head() != null
        && Stream.concat(plan.blocks().stream().flatMap(block -> block.linears().values().stream()), Stream.of(plan.head()))
        .allMatch(linear -> linear.columns() > 0 && (linear.input() == null || linear.input().collapsed()))
        && plan.blocks().stream().allMatch(block -> block.keyValues() == null || block.keyValues().collapsed());
  }

  /** In the order of {@code struct block}. */
  private void describe(DecoderPlan.Layer block, List<Long> model) {
    model.add(NativeSession.address(block.attentionNorm()));
    model.add(NativeSession.address(block.mlpNorm()));
    for (Projection projection : Projection.values()) {
      describe(block.linears().get(projection), model);
    }
    KeyValueEncoding encoding = block.keyValues();
    if (encoding == null) {
      model.addAll(List.of(0L, 0L, 0L, 0L));
      return;
    }
    MemorySegment levels = Tables.levels(encoding, plan.shape().headDim());
    MemorySegment ranges = session.tables().ranges(encoding);
    kept.addAll(List.of(levels, ranges));
    model.addAll(List.of((long) NativeSession.cacheType(encoding.row(plan.shape().headDim())), (long) encoding.offset(),
        levels.address(), ranges.address()));
  }

  /** In the order of {@code struct linear}. */
  private void describe(DecoderPlan.Linear linear, List<Long> model) {
    model.add(linear.quantized() == null ? 0 : ((NativeLinear) linear.quantized()).handle());
    model.add(addressOrNull(linear.dense()));
    model.add(linear.dense() == null ? 0L : (long) NativeSession.type(linear.dense()));
    model.add((long) linear.rows());
    model.add((long) linear.columns());
    model.add(addressOrNull(linear.bias()));
    Encoding input = linear.input();
    if (input == null) {
      model.addAll(List.of(0L, 0L, 0L, 0L, 0L));
      return;
    }
    Tables.Levels levels = session.tables().levels(input);
    kept.add(levels);
    model.addAll(List.of((long) input.dynamics().size(), levels.order().address(), levels.levels().address(),
        (long) input.offset(), input.countType() == DType.I16 ? 1L : 0L));
  }

  /** Keys and values in memory that the collector gives back, and their addresses for the library. */
  record BlockCaches(NativeDecoder decoder, int capacity, List<KeyValues> blocks, MemorySegment addresses) implements Cache {}

  @Override
  public Cache cache(int capacity) {
    BlockShape shape = plan.shape();
    List<KeyValues> blocks = plan.blocks().stream()
        .map(block -> KeyValues.allocate(shape.kvHeads(), shape.headDim(), capacity, block.keyValues())).toList();
    long[] addresses = blocks.stream().flatMapToLong(keyValues -> LongStream.of(NativeSession.address(keyValues.keys()),
        NativeSession.address(keyValues.values()), addressOrNull(keyValues.valueThresholds()),
        addressOrNull(keyValues.valueZeros()))).toArray();
    return new BlockCaches(this, capacity, blocks, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, addresses));
  }

  @Override
  public void forward(Tensor x, Cache cache, int position, Tensor rope) {
    run(x, cache, position, rope, null);
  }

  @Override
  public void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
    Shapes.f32("logits", logits, 1, plan.head().rows());
    run(x, cache, position, rope, logits);
  }

  private void run(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
    if (handle == 0) {
      throw new IllegalStateException("this decoder of backend 'native' is closed");
    }
    session.handle();
    BlockShape shape = plan.shape();
    Shapes.f32("embeddings", x, x.rows(), shape.hidden());
    Shapes.f32("rope table", rope, rope.rows(), shape.headDim());
    if (!(cache instanceof BlockCaches caches) || caches.decoder() != this) {
      throw new IllegalArgumentException("decoder: expected a cache of this decoder, found one of another");
    }
    Shapes.tokens(x, position, Math.min(cache.capacity(), rope.rows()));
    NativeSession.check(Kernels.decode(handle, caches.addresses().address(), caches.capacity(), NativeSession.address(x), x.rows(),
        position, NativeSession.address(rope) + position * rope.rowBytes(), addressOrNull(logits)));
    NativeSession.keep(x, rope, logits);
    Reference.reachabilityFence(caches);
    Reference.reachabilityFence(this);
  }

  private static long addressOrNull(Tensor tensor) {
    return tensor == null ? 0 : NativeSession.address(tensor);
  }

  @Override
  public void close() {
    if (handle != 0) {
      Kernels.decoderClose(handle);
      handle = 0;
      session.forget(this);
    }
  }
}
