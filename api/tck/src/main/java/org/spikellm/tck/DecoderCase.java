package org.spikellm.tck;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.spikellm.api.BlockShape;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.Encoding;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/**
 * A small random model of two blocks with grouped queries and biases.
 *
 * @param plan the model, prepared on a session
 * @param embeddings what it reads, F32 [positions, hidden]
 * @param rope its table, F32 [positions, headDim]
 */
record DecoderCase(DecoderPlan plan, Tensor embeddings, Tensor rope) {

  /** What a model is made of. */
  enum Form {
    /** Dense weights of the three types, nothing encoded. */
    FLOAT,
    /** Codes of 4 bits, a dense layer among them; inputs, keys and values in 4 bits, in more steps on salient channels. */
    SPIKES,
    /** Weights that are ternary spike trains, inputs not encoded. */
    TERNARY
  }

  static final int POSITIONS = 205;
  static final int VOCABULARY = 37;
  private static final BlockShape SHAPE = new BlockShape(16, 6, 2, 4, 20, 1e-5f);
  private static final DType[] TYPES = {DType.F32, DType.F16, DType.BF16};

  static DecoderCase of(Form form, Session session, Draw draw) {
    List<DecoderPlan.Layer> blocks = new ArrayList<>();
    for (int b = 0; b < 2; b++) {
      Map<Projection, DecoderPlan.Linear> linears = new EnumMap<>(Projection.class);
      for (Projection projection : Projection.values()) {
        boolean biased = projection == Projection.Q || projection == Projection.DOWN;
        linears.put(projection, linear(form, session, draw, SHAPE.rows(projection), SHAPE.columns(projection),
            form == Form.FLOAT || form == Form.SPIKES && projection == Projection.UP, biased));
      }
      blocks.add(new DecoderPlan.Layer(linears, norm(draw), norm(draw), form == Form.SPIKES ? keyValues(draw, b) : null));
    }
    DecoderPlan.Linear head = form == Form.TERNARY ? linear(form, session, draw, VOCABULARY, SHAPE.hidden(), false, false)
        : new DecoderPlan.Linear(null, dense(draw, VOCABULARY, SHAPE.hidden()), null, null);
    return new DecoderCase(new DecoderPlan(SHAPE, blocks, norm(draw), head), embeddings(draw), rotations());
  }

  /** The same model with something else to read. */
  DecoderCase again(Draw draw) {
    return new DecoderCase(plan, embeddings(draw), rope);
  }

  private static Tensor embeddings(Draw draw) {
    return draw.normal(Tensor.allocate(DType.F32, POSITIONS, SHAPE.hidden()), 1);
  }

  private static DecoderPlan.Linear linear(Form form, Session session, Draw draw, int rows, int columns, boolean isDense,
      boolean isBiased) {
    Tensor bias = isBiased ? draw.normal(Tensor.allocate(DType.F32, 1, rows), 0.3) : null;
    int salient = columns / 5;
    int plain = columns - salient;
    List<LinearCase.Form> trains = List.of(LinearCase.Form.train(plain, 8, 1), LinearCase.Form.train(salient, columns, 2));
    List<LinearCase.Form> levels = List.of(new LinearCase.Form(plain, 4, 8), new LinearCase.Form(salient, 4, columns));
    QuantizedWeight weight = form == Form.TERNARY ? weight(draw, rows, trains, 0.5f) : weight(draw, rows, levels, 0.1f);
    Encoding input = form == Form.SPIKES
        ? new Encoding(SoftResetNeuron.WHOLE, weight.order(), EncodeOracle.dynamics(4, 1, 2), true) : null;
    return isDense ? new DecoderPlan.Linear(null, dense(draw, rows, columns), bias, input)
        : new DecoderPlan.Linear(session.prepare(weight), null, bias, input);
  }

  /** Codes around their zero points, of about one over all columns. */
  private static QuantizedWeight weight(Draw draw, int rows, List<LinearCase.Form> forms, float scale) {
    return LinearCase.weight(draw, rows, forms, new LinearCase.Weights(bits -> draw.between(0, (1 << bits) - 1),
        () -> draw.between(5, 10), DType.F32, () -> draw.between(scale / 4, scale)), Placement.ALIGNED);
  }

  private static Tensor dense(Draw draw, int rows, int columns) {
    return draw.normal(Tensor.allocate(TYPES[draw.between(0, 2)], rows, columns), 1 / Math.sqrt(columns));
  }

  private static Tensor norm(Draw draw) {
    Tensor norm = Tensor.allocate(DType.F32, 1, SHAPE.hidden());
    for (int c = 0; c < norm.columns(); c++) {
      norm.setFloat(0, c, draw.between(0.5f, 1.5f));
    }
    return norm;
  }

  /** Counts in 5 bits in the first block, which are packed in a cache, and in bytes in the second. */
  private static KeyValueEncoding keyValues(Draw draw, int block) {
    int channels = SHAPE.kvHeads() * SHAPE.headDim();
    boolean[][] salient = new boolean[2][channels];
    float[] low = new float[channels];
    float[] high = new float[channels];
    for (int c = 0; c < channels; c++) {
      salient[0][c] = draw.chance(0.3);
      salient[1][c] = draw.chance(0.3);
      low[c] = draw.between(-3f, -1f);
      high[c] = draw.between(1f, 3f);
    }
    var dynamics = EncodeOracle.dynamics(4, 1, block == 0 ? 2 : 5);
    return new KeyValueEncoding(SoftResetNeuron.WHOLE, dynamics.getFirst(), dynamics.getLast(), true, salient[0], low, high,
        salient[1]);
  }

  private static Tensor rotations() {
    int half = SHAPE.headDim() / 2;
    Tensor table = Tensor.allocate(DType.F32, POSITIONS, SHAPE.headDim());
    for (int p = 0; p < POSITIONS; p++) {
      for (int i = 0; i < half; i++) {
        double angle = p * Math.pow(10_000, -i / (double) half);
        table.setFloat(p, i, (float) Math.cos(angle));
        table.setFloat(p, half + i, (float) Math.sin(angle));
      }
    }
    return table;
  }

  /** The tokens {@code from} (inclusive) to {@code to} (exclusive), to be overwritten. */
  Tensor tokens(int from, int to) {
    return embeddings.rows(from, to).toF32();
  }
}
