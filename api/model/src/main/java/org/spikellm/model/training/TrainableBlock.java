package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.spikellm.api.Block;
import org.spikellm.api.BlockShape;
import org.spikellm.api.BlockTask;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.KeyValues;
import org.spikellm.api.Projection;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * A decoder block in training (method.md §4): the forward pass of the spiking block with LET and LWC in it, and the gradients of their
 * vectors. Weights are held as F32 twice, activations and their gradients for one sample. A step is {@link #begin}, {@link #forward},
 * {@link #backward}, {@link #update}.
 */
public final class TrainableBlock implements AutoCloseable {

  /**
   * What is learned, and how fast.
   *
   * @param clipping whether LWC is learned; else ranges are plain extremes
   * @param clippingRate AdamW's step for it
   * @param smoothing whether LET is learned; else it is left out
   * @param smoothingRate AdamW's step for it
   * @param alpha α of LET's start
   */
  public record Settings(boolean clipping, double clippingRate, boolean smoothing, double smoothingRate, double alpha) {}

  private final Arena arena = Arena.ofShared();
  private final Session session;
  private final Block block;
  private final BlockShape shape;
  private final Tensor rope;
  private final Tensor inverseRope;
  private final Smoothing smoothing;               // null without LET, as what follows from it
  private final Smoothing.Use attentionNormUse;
  private final Smoothing.Use mlpNormUse;
  private final Smoothing.Use keyUse;
  private final Map<Projection, TrainableLinear> linears = new EnumMap<>(Projection.class);
  private final KeyValueEncoding keyValues;
  private final RowEncoding queryEncoding;
  private final RowEncoding valueEncoding;
  private final KeyRangeEncoding keyEncoding;
  private final AttentionGradient attention;
  private final KeyValues cache;
  private final Activations now;
  private final Map<String, Parameter> parameters = new LinkedHashMap<>();
  private Tensor input;

  public TrainableBlock(Session session, BlockTask task, Settings settings) {
    this.session = session;
    block = task.block();
    shape = block.shape();
    rope = task.calibration().rope();
    inverseRope = inverse(rope, shape.headDim() / 2);
    Map<Projection.Source, float[]> absMax = new EnumMap<>(Projection.Source.class);
    for (Projection.Source source : Projection.Source.values()) {
      absMax.put(source, task.calibration().absMax(source));
    }
    smoothing = settings.smoothing() ? new Smoothing(block, absMax, settings.alpha(), settings.smoothingRate()) : null;
    attentionNormUse = smoothing == null ? null : smoothing.attentionNorm();
    mlpNormUse = smoothing == null ? null : smoothing.mlpNorm();
    keyUse = smoothing == null ? null : smoothing.keys();
    int tokens = task.calibration().sequence();
    Scratch scratch = new Scratch(arena);
    for (Projection projection : Projection.values()) {
      linears.put(projection, new TrainableLinear(session, scratch, block.linear(projection), task.encodings().get(projection),
          task.spec(), settings.clipping(), settings.clippingRate(), smoothing == null ? null : smoothing.columns(projection),
          smoothing == null ? null : smoothing.rows(projection), tokens, arena));
    }
    keyValues = task.keyValues();
    queryEncoding = keyValues == null ? null : new RowEncoding(keyValues.neuron(), keyValues.collapsed(),
        List.of(keyValues.plain()), List.of(ChannelOrder.identity(shape.headDim())), false);
    valueEncoding = keyValues == null ? null : new RowEncoding(keyValues.neuron(), keyValues.collapsed(),
        List.of(keyValues.plain(), keyValues.salient()), valueOrders(), false);
    keyEncoding = keyValues == null ? null : new KeyRangeEncoding(keyValues);
    attention = new AttentionGradient(session, shape, tokens, arena);
    cache = KeyValues.allocate(shape.kvHeads(), shape.headDim(), tokens, null);
    now = new Activations(shape, tokens, arena);
    if (smoothing != null) {
      parameters.putAll(smoothing.parameters());
    }
    linears.forEach((projection, linear) ->
        linear.parameters().forEach((name, parameter) -> parameters.put(projection.tensorName() + "." + name, parameter)));
  }

  private List<ChannelOrder> valueOrders() {
    return IntStream.range(0, shape.kvHeads()).mapToObj(h -> {
      boolean[] salient = new boolean[shape.headDim()];
      System.arraycopy(keyValues.valueSalient(), h * salient.length, salient, 0, salient.length);
      return ChannelOrder.of(salient);
    }).toList();
  }

  /** The table that turns back: the sines of the opposite angles. */
  private Tensor inverse(Tensor table, int half) {
    Tensor inverse = Tensor.allocate(arena, DType.F32, table.rows(), table.columns());
    float[] row = new float[table.columns()];
    for (int t = 0; t < table.rows(); t++) {
      table.readRow(t, row);
      for (int i = half; i < row.length; i++) {
        row[i] = -row[i];
      }
      inverse.writeRow(t, row);
    }
    return inverse;
  }

  /**
   * Everything that is learned, by name: LET's vectors {@code s_qkv, s_out, s_fc1, s_qk}, then {@code gamma} and {@code beta} of each
   * projection's LWC before the sigmoid, [rows · groups] each, as in {@code self_attn.q_proj.gamma}.
   */
  public Map<String, Parameter> parameters() {
    return parameters;
  }

  /** Begins a step: forgets gradients, keeps LET's vectors away from 0, quantizes the weights. */
  public void begin() {
    parameters.values().forEach(Parameter::clearGradient);
    settle();
    linears.values().forEach(TrainableLinear::quantize);
  }

  /** Keeps LET's vectors away from 0, and takes key ranges along. */
  private void settle() {
    if (smoothing != null) {
      smoothing.floor();
      if (keyEncoding != null) {
        keyEncoding.scale(keyUse.vector());
      }
    }
  }

  /**
   * What the quantized block answers.
   *
   * @param x F32 [sequence, hidden]; read again by {@link #backward}
   * @return F32 [sequence, hidden], valid until the next call
   */
  public Tensor forward(Tensor x) {
    input = x;
    session.rmsNorm(x, norm(block.attentionNorm(), attentionNormUse), shape.epsilon(), now.norm);
    linears.get(Projection.Q).forward(now.norm, now.queries);
    linears.get(Projection.K).forward(now.norm, now.keys);
    linears.get(Projection.V).forward(now.norm, now.values);
    session.rope(now.queries, shape.headDim(), rope, 0);
    session.rope(now.keys, shape.headDim(), rope, 0);
    if (keyValues == null) {
      now.seenQueries.segment().copyFrom(now.queries.segment());
      now.seenKeys.segment().copyFrom(now.keys.segment());
      now.seenValues.segment().copyFrom(now.values.segment());
    } else {
      queryEncoding.forward(session, heads(now.queries), heads(now.seenQueries));
      keyEncoding.forward(session, now.keys, now.seenKeys);
      valueEncoding.forward(session, heads(now.values), heads(now.seenValues));
    }
    cache.append(now.seenKeys, now.seenValues, 0);
    session.attention(now.seenQueries, cache, 0, now.attention);
    linears.get(Projection.O).forward(now.attention, now.middle);
    Rows.add(session, x, now.middle);

    session.rmsNorm(now.middle, norm(block.mlpNorm(), mlpNormUse), shape.epsilon(), now.mlpNorm);
    linears.get(Projection.GATE).forward(now.mlpNorm, now.gate);
    linears.get(Projection.UP).forward(now.mlpNorm, now.up);
    session.swiGlu(now.gate, now.up, now.gated);
    linears.get(Projection.DOWN).forward(now.gated, now.out);
    Rows.add(session, now.middle, now.out);
    return now.out;
  }

  /**
   * Gathers the gradients of all parameters; after {@link #forward}.
   *
   * @param gradient ∂L/∂ of what {@link #forward} returned, F32 [sequence, hidden]; overwritten
   */
  public void backward(Tensor gradient) {
    now.toGated.clear();
    linears.get(Projection.DOWN).backward(now.gated, gradient, now.toGated);
    Gating.backward(session, now.gate, now.up, now.toGated, now.toGated, now.toUp);
    now.toNorm.clear();
    linears.get(Projection.GATE).backward(now.mlpNorm, now.toGated, now.toNorm);
    linears.get(Projection.UP).backward(now.mlpNorm, now.toUp, now.toNorm);
    normBackward(now.middle, block.mlpNorm(), mlpNormUse, now.toNorm, gradient);

    now.toAttention.clear();
    linears.get(Projection.O).backward(now.attention, gradient, now.toAttention);
    attention.backward(now.seenQueries, now.seenKeys, now.seenValues, now.attention, now.toAttention, now.toQueries, now.toKeys,
        now.toValues);
    if (keyValues != null) {
      encodingBackward();
    }
    session.rope(now.toQueries, shape.headDim(), inverseRope, 0);
    session.rope(now.toKeys, shape.headDim(), inverseRope, 0);
    now.toNorm.clear();
    linears.get(Projection.Q).backward(now.norm, now.toQueries, now.toNorm);
    linears.get(Projection.K).backward(now.norm, now.toKeys, now.toNorm);
    linears.get(Projection.V).backward(now.norm, now.toValues, now.toNorm);
    normBackward(input, block.attentionNorm(), attentionNormUse, now.toNorm, null);
  }

  private void encodingBackward() {
    queryEncoding.backward(session, heads(now.queries), heads(now.toQueries), heads(now.toQueries), false);
    valueEncoding.backward(session, heads(now.values), heads(now.toValues), heads(now.toValues), false);
    float[] scales = keyEncoding.backward(session, now.keys, now.toKeys);
    if (smoothing != null) {
      keyUse.add(scales);
    }
  }

  private void normBackward(Tensor x, Tensor weight, Smoothing.Use use, Tensor gradient, Tensor inputGradient) {
    if (use == null && inputGradient == null) {
      return;
    }
    float[] original = weight.toFloats();
    float[] toWeight = Normalization.backward(session, x, norm(weight, use).toFloats(), shape.epsilon(), gradient, inputGradient);
    if (use != null) {
      for (int c = 0; c < original.length; c++) {
        toWeight[c] *= original[c];
      }
      use.add(toWeight);
    }
  }

  /** Takes AdamW's step with the gradients of {@link #backward}. */
  public void update() {
    parameters.values().forEach(Parameter::step);
  }

  /** Whether every parameter is a number. */
  public boolean isFinite() {
    return parameters.values().stream().allMatch(Parameter::isFinite);
  }

  /** Remembers the parameters as they are. */
  public void keep() {
    parameters.values().forEach(Parameter::keep);
  }

  /** Takes the parameters back to what {@link #keep} remembered, or to where they started. */
  public void restore() {
    parameters.values().forEach(Parameter::restore);
  }

  /** The spiking block, with everything that was learned folded into weights, norms and key ranges. */
  public Block fold() {
    settle();
    Map<Projection, Block.Linear> folded = new EnumMap<>(Projection.class);
    linears.forEach((projection, linear) -> folded.put(projection, linear.fold()));
    KeyValueEncoding scaled = keyValues == null || smoothing == null ? keyValues
        : new KeyValueEncoding(keyValues.neuron(), keyValues.plain(), keyValues.salient(), keyValues.collapsed(),
            keyValues.keySalient(), keyEncoding.low(), keyEncoding.high(), keyValues.valueSalient());
    return new Block(shape, folded, norm(block.attentionNorm(), attentionNormUse),
        norm(block.mlpNorm(), mlpNormUse), scaled);
  }

  private Tensor norm(Tensor weight, Smoothing.Use use) {
    return use == null ? weight : Tensor.of(1, use.apply(weight.toFloats()));
  }

  /** A view with a row for each head of each token. */
  private Tensor heads(Tensor x) {
    return new Tensor(DType.F32, x.rows() * x.columns() / shape.headDim(), shape.headDim(), x.segment());
  }

  /** Gives the memory back. */
  @Override
  public void close() {
    arena.close();
  }
}
