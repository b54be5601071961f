package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Encoding;
import org.spikellm.api.Shapes;
import org.spikellm.api.Tensor;

/**
 * A model on the device. A pass goes through all blocks in one submission; it is recorded once for a cache and a number of
 * tokens, and run again from then on. What changes from one to the next lies in memory: position, rotations, embeddings.
 */
final class VulkanDecoder implements DecoderSession {

  /** What a pass is to make. */
  private enum Wanted {
    HIDDEN, LOGITS
  }

  /** What a recorded pass is good for. */
  private record Key(Object cache, Activations work, int tokens, Wanted wanted) {}

  /** Tokens whose logits are on the device at once: 8 MB for 32,000 words. */
  private static final int HEAD_TOKENS = 64;

  private final VulkanSession session;
  private final DecoderPlan plan;
  private final List<DecoderBlock> blocks = new ArrayList<>();
  /** Null where other blocks follow elsewhere, as the head. */
  private final DeviceMemory.Range finalNorm;
  private final DecoderLinear head;
  private final DeviceMemory.Owned kept;
  /** The memory of its caches. */
  private final List<DeviceMemory.Owned> caches = new ArrayList<>();
  private Activations work;
  private DeviceMemory.Owned working;
  private boolean closed;

  VulkanDecoder(DecoderPlan plan, VulkanSession session) {
    this.session = session;
    this.plan = plan;
    DecoderParts parts = null;
    try (Call call = session.call(); Arena arena = Arena.ofConfined()) {
      parts = new DecoderParts(session.memory(), call.commands(), arena);
      for (DecoderPlan.Layer block : plan.blocks()) {
        blocks.add(new DecoderBlock(plan.shape(), block, parts, session.kernels()));
      }
      finalNorm = plan.finalNorm() == null ? null : parts.copy(plan.finalNorm().segment());
      head = plan.head() == null ? null : new DecoderLinear(plan.head(), parts);
      call.finish();
    } catch (RuntimeException | Error e) {
      if (parts != null) {
        parts.kept().forEach(session.memory()::release);
      }
      throw e;
    }
    kept = session.memory().releaseAfter(this, parts.kept());
  }

  /** Whether the kernels can run it: counts at once, weights that this session prepared. */
  static boolean suits(DecoderPlan plan, VulkanSession session) {
    Stream<DecoderPlan.Linear> linears = plan.blocks().stream().flatMap(block -> block.linears().values().stream());
    return plan.shape().headDim() <= CachedRows.MOST_CHANNELS
        && Stream.concat(linears, Stream.ofNullable(plan.head()))
            .allMatch(linear -> linear.columns() > 0 && (linear.input() == null || suits(linear.input()))
                && (linear.quantized() == null
                    || linear.quantized() instanceof VulkanLinear own && own.session() == session && own.hasColumns()))
        && plan.blocks().stream().allMatch(block -> block.keyValues() == null || block.keyValues().collapsed());
  }

  private static boolean suits(Encoding input) {
    return input.collapsed() && input.order().classes() <= EncoderTable.MOST_CLASSES;
  }

  @Override
  public Cache cache(int capacity) {
    checkOpen();
    caches.removeIf(session.memory()::isReleased);
    DeviceCache cache = new DeviceCache(this, plan, capacity, session.memory());
    caches.add(cache.belongings());
    return cache;
  }

  private void checkOpen() {
    session.checkOpen();
    if (closed) {
      throw new IllegalStateException("this decoder of backend 'vulkan' is closed");
    }
  }

  @Override
  public void forward(Tensor x, Cache cache, int position, Tensor rope) {
    run(x, cache, position, rope, Wanted.HIDDEN, x);
  }

  @Override
  public void next(Tensor x, Cache cache, int position, Tensor rope, Tensor logits) {
    if (head == null) {
      throw new IllegalArgumentException("decoder: expected a model with a head, found one whose last blocks run elsewhere");
    }
    Shapes.f32("logits", logits, 1, head.rows());
    run(x, cache, position, rope, Wanted.LOGITS, logits);
  }

  @Override
  public boolean logits(Tensor hidden, Tensor logits) {
    checkOpen();
    if (head == null) {
      return false;
    }
    Shapes.f32("hidden states", hidden, hidden.rows(), plan.shape().hidden());
    Shapes.f32("logits", logits, hidden.rows(), head.rows());
    for (int from = 0; from < hidden.rows(); from += HEAD_TOKENS) {
      int to = Math.min(hidden.rows(), from + HEAD_TOKENS);
      multiplyHead(hidden.rows(from, to), logits.rows(from, to));
    }
    Reference.reachabilityFence(this);
    return true;
  }

  private void multiplyHead(Tensor hidden, Tensor logits) {
    int tokens = hidden.rows();
    require(tokens);
    try (Call call = session.call()) {
      DeviceMemory.Range x = call.upload(hidden);
      DeviceMemory.Range out = call.take(logits.segment().byteSize());
      DecoderBlock.convert(call.commands(), session.kernels(), head.input(), Source.given(x), tokens, work.slot(0));
      call.commands().then();
      for (int step = 0; step < head.steps(tokens); step++) {
        head.multiply(step, call.commands(), session.kernels(), x, work.slot(0), tokens, out, out, false);
        call.commands().then();
      }
      call.finish(out, logits);
    }
  }

  private void run(Tensor x, Cache cache, int position, Tensor rope, Wanted wanted, Tensor out) {
    checkOpen();
    int tokens = x.rows();
    Shapes.f32("embeddings", x, tokens, plan.shape().hidden());
    Shapes.f32("rope table", rope, rope.rows(), plan.shape().headDim());
    if (!(cache instanceof DeviceCache own) || own.decoder() != this) {
      throw new IllegalArgumentException("decoder: expected a cache of this decoder, found one of another");
    }
    Shapes.tokens(x, position, Math.min(cache.capacity(), rope.rows()));
    Recording recording = session.recording(tokens);
    require(tokens);
    Staging place = Staging.of(plan.shape(), tokens);
    Key key = new Key(own.token(), work, tokens, wanted);
    if (!recording.holds(key)) {
      recording.record(key, place.out() + out.segment().byteSize(),
          (pass, host) -> record(pass, host, own, place, tokens, wanted));
    }
    MemorySegment mapped = recording.mapped();
    mapped.set(Tensor.INT, 0, position);
    mapped.asSlice(place.rope(), place.x() - place.rope()).copyFrom(rope.rows(position, position + tokens).segment());
    MemorySegment.copy(x.segment(), 0, mapped, place.x(), x.segment().byteSize());
    recording.run();
    MemorySegment.copy(mapped, place.out(), out.segment(), 0, out.segment().byteSize());
    Reference.reachabilityFence(cache);
    Reference.reachabilityFence(this);
  }

  /** Makes sure that there is memory to work on so many tokens in. */
  private void require(int tokens) {
    if (work != null && work.tokens() >= tokens) {
      return;
    }
    if (work != null) {
      session.memory().release(working);
      work = null;
    }
    int rounded = tokens == 1 ? 1 : Integer.highestOneBit(tokens - 1) << 1;
    long bytes = 0;
    int classes = 1;
    for (DecoderLinear linear : linears()) {
      bytes = Math.max(bytes, linear.input().rowBytes());
      classes = Math.max(classes, linear.input().classes());
    }
    Activations grown = new Activations(session.memory(), plan.shape(), rounded, bytes, classes, head == null ? 0 : head.rows());
    working = session.memory().releaseAfter(this, grown.ranges());
    work = grown;
  }

  private List<DecoderLinear> linears() {
    List<DecoderLinear> linears = new ArrayList<>();
    if (head != null) {
      linears.add(head);
    }
    blocks.forEach(block -> linears.addAll(block.linears()));
    return linears;
  }

  private void record(Pass pass, long host, DeviceCache cache, Staging place, int tokens, Wanted wanted) {
    DeviceMemory.Range inputs = work.inputs;
    DeviceMemory.Range x = inputs.from(place.x());
    pass.copy(host, 0, inputs.buffer(), inputs.offset(), place.out());
    pass.then();
    var all = new DecoderBlock.Tokens(pass, x, inputs.from(place.rope()), inputs, tokens, cache.capacity(), work);
    for (int b = 0; b < blocks.size(); b++) {
      blocks.get(b).record(all, cache.block(b));
    }
    DeviceMemory.Range result = x;
    long bytes = 4L * tokens * plan.shape().hidden();
    if (wanted == Wanted.HIDDEN && finalNorm != null) {
      DecoderBlock.norm(pass, session.kernels(), plan.shape(), x, finalNorm, x, tokens);
    } else if (wanted == Wanted.LOGITS) {
      DeviceMemory.Range last = x.from(bytes - 4L * plan.shape().hidden());
      DecoderBlock.norm(pass, session.kernels(), plan.shape(), last, finalNorm, work.norm, 1);
      DecoderBlock.convert(pass, session.kernels(), head.input(), Source.given(work.norm), 1, work.slot(0));
      pass.then();
      for (int step = 0; step < head.steps(1); step++) {
        head.multiply(step, pass, session.kernels(), work.norm, work.slot(0), 1, work.logits, work.logits, false);
        pass.then();
      }
      result = work.logits;
      bytes = 4L * head.rows();
    }
    pass.copy(result.buffer(), result.offset(), host, place.out(), bytes);
    pass.then();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    session.memory().release(kept);
    caches.forEach(session.memory()::release);
    if (work != null) {
      session.memory().release(working);
    }
  }
}
