package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.LoopPool;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Shapes;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** An open device: each call copies its tensors there, runs kernels and copies back what they made. */
final class VulkanSession implements Session {

  /** Of a workgroup of the kernels that are no products. */
  private static final int THREADS = 64;
  /** The right factor of a product is brought to the device in slabs of so many bytes. */
  private static final long SLAB = 64L << 20;
  /** Of a slab at most: a dimension's workgroups. */
  private static final int SLAB_TILES = 65_535;

  private final Device device;
  private final Layers layers;
  private final DeviceMemory memory;
  private final Kernels kernels;
  private final Commands commands;
  /** Of a decoder's passes: over one token, and over several. */
  private final Recording tokenPass;
  private final Recording promptPass;
  private final LoopPool loops;
  private boolean closed;

  VulkanSession(Device device, int threads, Layers layers) {
    this(device, threads, layers, Long.MAX_VALUE);
  }

  /** A session whose ranges of device memory have at most {@code largestRange} bytes. */
  VulkanSession(Device device, int threads, Layers layers, long largestRange) {
    loops = new LoopPool(threads);
    this.device = device;
    this.layers = layers;
    memory = new DeviceMemory(device, largestRange);
    Deque<Runnable> made = new ArrayDeque<>(List.of(device::close));
    made.push(memory::close);
    try {
      kernels = new Kernels(device);
      made.push(kernels::close);
      commands = new Commands(device);
      made.push(commands::close);
      tokenPass = new Recording(device);
      made.push(tokenPass::close);
      promptPass = new Recording(device);
    } catch (RuntimeException | Error e) {
      made.forEach(Runnable::run);
      throw e;
    }
  }

  DeviceMemory memory() {
    return memory;
  }

  Commands commands() {
    return commands;
  }

  Kernels kernels() {
    return kernels;
  }

  Device device() {
    return device;
  }

  /** The last pass over one token, or over several, to be run again or recorded anew. */
  Recording recording(int tokens) {
    checkOpen();
    return tokens == 1 ? tokenPass : promptPass;
  }

  Call call() {
    checkOpen();
    return new Call(memory, commands);
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("this session of backend 'vulkan' is closed");
    }
    device.checkThere();
  }

  @Override
  public void matmul(Tensor a, Tensor b, Tensor out) {
    Shapes.matmul(a, b, out);
    if (a.rows() == 0 || b.rows() == 0) {
      return;
    }
    int slabRows = Product.TILE * Math.clamp(SLAB / Math.max(1, b.rowBytes()) / Product.TILE, 1, SLAB_TILES);
    try (Call call = call()) {
      DeviceMemory.Range left = call.upload(a);
      DeviceMemory.Range product = call.take(out.segment().byteSize());
      DeviceMemory.Range right = call.take(Math.min(slabRows, b.rows()) * b.rowBytes());
      for (int from = 0; from < b.rows(); from += slabRows) {
        Tensor slab = b.rows(from, Math.min(b.rows(), from + slabRows));
        call.commands().upload(slab.segment(), right);
        new Product(left, a.rows(), right, b.dtype(), slab.rows(), b.columns())
            .record(call.commands(), kernels, product.from(4L * from), b.rows(), null, false);
      }
      call.finish(product, out);
    }
  }

  @Override
  public boolean readsTiles() {
    return true;
  }

  @Override
  public SpikingLinear prepare(QuantizedWeight weight) {
    try (Arena rows = Arena.ofShared()) {
      return new VulkanLinear(weight.inRows(rows), this);
    }
  }

  @Override
  public int takes(int blocks, long blockBytes, long headBytes) {
    checkOpen();
    return layers.taken(blocks, blockBytes, headBytes, device.facts().name(), device.largestHeap() - memory.taken());
  }

  @Override
  public Optional<DecoderSession> decoder(DecoderPlan plan) {
    return VulkanDecoder.suits(plan, this) ? Optional.of(new VulkanDecoder(plan, this)) : Optional.empty();
  }

  @Override
  public Optional<DeviceLimits> limits() {
    checkOpen();
    try (Measurement measurement = new Measurement(device, memory, kernels)) {
      return Optional.of(measurement.limits());
    }
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float epsilon, Tensor out) {
    Shapes.f32("norm input", x, x.rows(), weight.columns());
    Shapes.f32("norm weight", weight, 1, x.columns());
    Shapes.f32("norm output", out, x.rows(), x.columns());
    try (Call call = call()) {
      DeviceMemory.Range rows = call.upload(x);
      Arguments arguments = Arguments.of(rows, call.upload(weight), rows).with(x.rows(), x.columns())
          .withFloat(1f / x.columns()).withFloat(epsilon);
      call.commands().dispatch(kernels.get(kernels.threads(x.columns()), Shader.RMS_NORM), arguments, Pass.groups(x.rows()), 1);
      call.finish(rows, out);
    }
  }

  @Override
  public void rope(Tensor x, int headDim, Tensor table, int position) {
    Shapes.rope(x, headDim, table, position);
    try (Call call = call()) {
      DeviceMemory.Range rows = call.upload(x);
      DeviceMemory.Range angles = call.upload(table.rows(position, position + x.rows()));
      call.commands().dispatch(kernels.get(Shader.ROPE), Arguments.of(rows, angles).with(x.rows(), x.columns(), headDim),
          Pass.groups((x.size() / 2 + THREADS - 1) / THREADS), 1);
      call.finish(rows, x);
    }
  }

  @Override
  public void softmax(Tensor x) {
    Shapes.f32("softmax", x, x.rows(), x.columns());
    try (Call call = call()) {
      DeviceMemory.Range rows = call.upload(x);
      Arguments arguments = Arguments.of(rows).with(x.rows(), x.columns());
      call.commands().dispatch(kernels.get(kernels.threads(x.columns()), Shader.SOFTMAX), arguments, Pass.groups(x.rows()), 1);
      call.finish(rows, x);
    }
  }

  @Override
  public void swiGlu(Tensor gate, Tensor up, Tensor out) {
    Shapes.f32("gate", gate, gate.rows(), gate.columns());
    Shapes.f32("up", up, gate.rows(), gate.columns());
    Shapes.f32("gated output", out, gate.rows(), gate.columns());
    try (Call call = call()) {
      DeviceMemory.Range gates = call.upload(gate);
      call.commands().dispatch(kernels.get(Shader.SWI_GLU), Arguments.of(gates, call.upload(up), gates)
          .with(Math.toIntExact(gate.size())), Pass.groups((gate.size() + THREADS - 1) / THREADS), 1);
      call.finish(gates, out);
    }
  }

  @Override
  public void encode(Tensor x, Encoding encoding, SpikeTrain out) {
    encode(x, encoding, out, 0);
  }

  /** Encodes on a device whose quotients are {@code off} units in the last place worse than they are. */
  void encode(Tensor x, Encoding encoding, SpikeTrain out, int off) {
    if (!encoding.collapsed() || x.columns() == 0 || encoding.order().classes() > EncoderTable.MOST_CLASSES) {
      Session.super.encode(x, encoding, out);
      return;
    }
    Shapes.encode(x, encoding, out);
    if (x.rows() == 0) {
      return;
    }
    EncoderTable table = new EncoderTable(encoding);
    try (Call call = call(); Arena arena = Arena.ofConfined()) {
      DeviceMemory.Range spikes = call.take(table.rowBytes() * x.rows());
      DeviceMemory.Range zeros = call.take(out.zeros().segment().byteSize());
      DeviceMemory.Range thetas = call.take(out.thresholds().segment().byteSize());
      Arguments arguments = table.arguments(x.rows(), Source.given(call.upload(x)), call.upload(table.order(arena)),
          call.upload(table.classes(arena)), spikes, thetas, zeros, spikes);
      Kernel kernel = kernels.get(kernels.threads(x.columns()), Shader.ENCODE, off, 0, Source.Kind.GIVEN.ordinal());
      call.commands().dispatch(kernel, arguments, Pass.groups(x.rows()), 1);
      MemorySegment made = arena.allocate(table.rowBytes() * x.rows(), 16);
      call.commands().download(spikes, 0, made);
      call.commands().download(zeros, 0, out.zeros().segment());
      call.finish(thetas, out.thresholds());
      table.read(made, out);
    }
  }

  @Override
  public void attention(Tensor queries, KeyValues cache, int position, Tensor out) {
    Shapes.attention(queries, cache, position, out);
    if (cache.headDim() > CachedRows.MOST_CHANNELS) {
      Session.super.attention(queries, cache, position, out);
      return;
    }
    if (queries.rows() == 0) {
      return;
    }
    try (Call call = call(); Arena arena = Arena.ofConfined()) {
      int heads = queries.columns() / cache.headDim();
      int length = position + queries.rows();
      CachedRows rows = new CachedRows(cache, length);
      DeviceMemory.Range result = call.take(out.segment().byteSize());
      Arguments arguments = Arguments.of(call.upload(queries), rows.uploadChannels(cache.keys(), call),
          rows.uploadChannels(cache.values(), call), call.upload(CachedRows.ranges(cache.encoding(), arena)),
          rows.upload(cache.valueThresholds(), call), rows.upload(cache.valueZeros(), call), result, result)
          .with(queries.rows(), heads, cache.kvHeads(), cache.headDim(), rows.rowWords(), length, position)
          .withFloat((float) (1 / Math.sqrt(cache.headDim())));
      int groups = Pass.groups(cache.kvHeads() * (((long) queries.rows() * heads / cache.kvHeads() + 3) / 4));
      call.commands().dispatch(kernels.attention(rows.type(), cache.headDim(), false, groups), arguments, groups, 1);
      call.finish(result, out);
    }
  }

  @Override
  public void forEach(int count, IntConsumer body) {
    checkOpen();
    loops.forEach(count, body);
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    loops.close();
    device.await(); // after a call that failed something may still run
    tokenPass.close();
    promptPass.close();
    commands.close();
    kernels.close();
    memory.close();
    device.close();
  }
}
