package org.spikellm.backend.vulkan;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.spikellm.api.BlockShape;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Projection;

/** A block of a decoder on the device, and how its forward pass is recorded. */
final class DecoderBlock {

  private static final int THREADS = 64;
  private static final int QUERIES_AT_ONCE = 4;

  private final BlockShape shape;
  private final Kernels kernels;
  private final Map<Projection, DecoderLinear> linears = new EnumMap<>(Projection.class);
  private final DeviceMemory.Range attentionNorm;
  private final DeviceMemory.Range mlpNorm;
  private final KeyValueEncoding keyValues;
  private final DeviceMemory.Range ranges;
  /** Null where queries stay in float. */
  private final DeviceEncoder queries;

  /**
   * One pass of consecutive tokens through the blocks.
   *
   * @param recorder where it is recorded
   * @param x the residual stream, F32 [tokens, hidden], replaced by a block's output
   * @param rope F32 [tokens, headDim]
   * @param position I32 [1], of the first token
   * @param tokens how many
   * @param capacity positions of the cache
   * @param work where it is worked in
   */
  record Tokens(Recorder recorder, DeviceMemory.Range x, DeviceMemory.Range rope, DeviceMemory.Range position, int tokens,
      int capacity, Activations work) {}

  DecoderBlock(BlockShape shape, DecoderPlan.Layer plan, DecoderParts parts, Kernels kernels) {
    this.shape = shape;
    this.kernels = kernels;
    plan.linears().forEach((projection, linear) -> linears.put(projection, new DecoderLinear(linear, parts)));
    attentionNorm = parts.copy(plan.attentionNorm().segment());
    mlpNorm = parts.copy(plan.mlpNorm().segment());
    keyValues = plan.keyValues();
    ranges = parts.copy(CachedRows.ranges(keyValues, parts.arena()));
    queries = keyValues == null ? null : parts.encoder(new Encoding(keyValues.neuron(), ChannelOrder.identity(shape.headDim()),
        List.of(keyValues.plain()), true));
  }

  Collection<DecoderLinear> linears() {
    return linears.values();
  }

  void record(Tokens t, DeviceCache.Rows cache) {
    Activations work = t.work;
    Source normed = ready(t, Source.norm(t.x, attentionNorm, shape.epsilon()), Projection.Q, Projection.K, Projection.V);
    project(t, normed, Map.of(Projection.Q, work.queries, Projection.K, work.keys, Projection.V, work.values));
    if (queries == null) {
      rotate(t, work.queries);
    } else {
      Source rotated = Source.rotated(work.queries, t.rope, shape.heads());
      queries.decode(t.recorder, kernels, rotated, t.tokens * shape.heads(), work.encodedQueries);
    }
    append(t, cache);
    t.recorder.then();
    attend(t, queries == null ? work.queries : work.encodedQueries, cache);
    t.recorder.then();
    add(t, linears.get(Projection.O), Source.given(work.attention));

    normed = ready(t, Source.norm(t.x, mlpNorm, shape.epsilon()), Projection.GATE, Projection.UP);
    project(t, normed, Map.of(Projection.GATE, work.gate, Projection.UP, work.up));
    add(t, linears.get(Projection.DOWN), ready(t, Source.gate(work.gate, work.up), Projection.DOWN));
  }

  /** {@code source} where all layers encode it, else what it is the source of. */
  private Source ready(Tokens t, Source source, Projection... projections) {
    if (Stream.of(projections).allMatch(projection -> linears.get(projection).input().isEncoded())) {
      return source;
    }
    DeviceMemory.Range made = source.kind() == Source.Kind.NORM ? t.work.norm : source.x();
    if (source.kind() == Source.Kind.NORM) {
      norm(t.recorder, kernels, shape, source.x(), source.second(), made, t.tokens);
    } else {
      int count = t.tokens * shape.intermediate();
      t.recorder.dispatch(kernels.get(Shader.SWI_GLU), Arguments.of(source.x(), source.second(), made).with(count),
          groups(count), 1);
      t.recorder.then();
    }
    return Source.given(made);
  }

  /** Workgroups that have so many threads. */
  private static int groups(long threads) {
    return Pass.groups((threads + THREADS - 1) / THREADS);
  }

  /** {@code out = x / sqrt(mean(x²) + ε) · weight} for {@code rows} rows. */
  static void norm(Recorder recorder, Kernels kernels, BlockShape shape, DeviceMemory.Range x, DeviceMemory.Range weight,
      DeviceMemory.Range out, int rows) {
    Arguments arguments = Arguments.of(x, weight, out).with(rows, shape.hidden()).withFloat(1f / shape.hidden())
        .withFloat(shape.epsilon());
    recorder.dispatch(kernels.get(kernels.threads(shape.hidden()), Shader.RMS_NORM), arguments, Pass.groups(rows), 1);
    recorder.then();
  }

  /** Several layers with the same input; those that want it in the same form share that. */
  private void project(Tokens t, Source source, Map<Projection, DeviceMemory.Range> outs) {
    List<DecoderLinear.Input> inputs = new ArrayList<>();
    for (Projection projection : Projection.values()) {
      if (outs.containsKey(projection) && !inputs.contains(linears.get(projection).input())) {
        inputs.add(linears.get(projection).input());
        convert(t.recorder, kernels, inputs.getLast(), source, t.tokens, t.work.slot(inputs.size() - 1));
      }
    }
    t.recorder.then();
    boolean more = true;
    for (int step = 0; more; step++) {
      more = false;
      for (Projection projection : Projection.values()) {
        DecoderLinear linear = linears.get(projection);
        DeviceMemory.Range out = outs.get(projection);
        if (out != null && step < linear.steps(t.tokens)) {
          linear.multiply(step, t.recorder, kernels, source.x(), t.work.slot(inputs.indexOf(linear.input())), t.tokens, out, out, false);
          more |= step + 1 < linear.steps(t.tokens);
        }
      }
      t.recorder.then();
    }
  }

  /** Adds what a layer makes to the residual stream. */
  private void add(Tokens t, DecoderLinear linear, Source source) {
    convert(t.recorder, kernels, linear.input(), source, t.tokens, t.work.slot(0));
    t.recorder.then();
    for (int step = 0; step < linear.steps(t.tokens); step++) {
      linear.multiply(step, t.recorder, kernels, source.x(), t.work.slot(0), t.tokens, t.work.partial, t.x, true);
      t.recorder.then();
    }
  }

  /** Rows in the form that a linear layer wants; they are given unless it encodes them. */
  static void convert(Recorder recorder, Kernels kernels, DecoderLinear.Input input, Source source, int rows,
      Activations.Slot slot) {
    switch (input.form()) {
      case NATURAL -> { }
      case DECODED -> input.encoder().decode(recorder, kernels, source, rows, slot.data());
      case SPIKES -> input.encoder().encode(recorder, kernels, source, rows, slot);
      case PLACES -> recorder.dispatch(kernels.get(Shader.GATHER), Arguments.of(source.x(), input.places(), slot.data())
          .with(rows, input.channels(), input.placeCount()), groups((long) rows * input.placeCount()), 1);
    }
  }

  private void rotate(Tokens t, DeviceMemory.Range x) {
    int columns = shape.heads() * shape.headDim();
    t.recorder.dispatch(kernels.get(Shader.ROPE), Arguments.of(x, t.rope).with(t.tokens, columns, shape.headDim()),
        groups((long) t.tokens * columns / 2), 1);
  }

  private DType type() {
    return keyValues == null ? DType.F32 : keyValues.countType();
  }

  private void append(Tokens t, DeviceCache.Rows cache) {
    Dynamics plain = keyValues == null ? null : keyValues.plain();
    Dynamics salient = keyValues == null ? null : keyValues.salient();
    Arguments arguments = Arguments.of(t.work.keys, t.work.values, cache.keys(), cache.values(), ranges, cache.thetas(),
        cache.zeros(), t.position, t.rope)
        .with(t.tokens, shape.kvHeads(), shape.headDim(), CachedRows.rowWords(type(), shape.headDim()), t.capacity);
    if (keyValues != null) {
      arguments.with(plain.countLow(), salient.countLow(), plain.countHigh(), salient.countHigh(), keyValues.offset(),
          plain.bidirectional() ? 1 : 0);
    }
    t.recorder.dispatch(kernels.get(kernels.threads(4 * shape.headDim()), Shader.APPEND, 0, CachedRows.type(type())), arguments,
        Pass.groups((long) t.tokens * shape.kvHeads()), 1);
  }

  private void attend(Tokens t, DeviceMemory.Range from, DeviceCache.Rows cache) {
    Arguments arguments = Arguments.of(from, cache.keys(), cache.values(), ranges, cache.thetas(), cache.zeros(),
        t.work.attention, t.position)
        .with(t.tokens, shape.heads(), shape.kvHeads(), shape.headDim(), CachedRows.rowWords(type(), shape.headDim()))
        .with(t.capacity, 0)
        .withFloat((float) (1 / Math.sqrt(shape.headDim())));
    long rows = (long) t.tokens * shape.heads() / shape.kvHeads();
    int groups = Pass.groups(shape.kvHeads() * ((rows + QUERIES_AT_ONCE - 1) / QUERIES_AT_ONCE));
    t.recorder.dispatch(kernels.attention(CachedRows.type(type()), shape.headDim(), true, groups), arguments, groups, 1);
  }
}
