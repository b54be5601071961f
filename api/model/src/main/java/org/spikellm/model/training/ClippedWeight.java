package org.spikellm.model.training;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;
import org.spikellm.model.AffineQuantizer;

/**
 * A weight under quantization with learnable clipping, LWC (method.md §4), columns in channel order. LET's factors come first, then the
 * range of each row or group is {@code σ(β) min w .. σ(γ) max w}; gradients go to γ, β and to the factors.
 */
final class ClippedWeight {

  private static final float START = 4;

  private final Session session;
  private final ChannelOrder order;
  private final Tensor source;         // F32 [rows, columns], as in the checkpoint
  private final Tensor quantized;      // F32 [rows, columns], what the codes stand for
  private final int[] groupEnds;
  private final Dynamics levels;       // null where weights stay as they are
  private final Parameter gamma;       // [rows * groups], null without LWC
  private final Parameter beta;

  ClippedWeight(Session session, Tensor weight, ChannelOrder order, QuantizationSpec spec, boolean clipping, double rate, Arena arena) {
    this.session = session;
    this.order = order;
    source = Tensor.allocate(arena, DType.F32, weight.rows(), weight.columns());
    quantized = Tensor.allocate(arena, DType.F32, weight.rows(), weight.columns());
    levels = spec.quantizesWeights() ? new Dynamics(1, 1, 0, (1 << spec.weightBits()) - 1, 1) : null;
    groupEnds = AffineQuantizer.groupEnds(order, spec.groupSize());
    boolean learned = clipping && levels != null;
    gamma = learned ? new Parameter(start(weight.rows()), rate) : null;
    beta = learned ? new Parameter(start(weight.rows()), rate) : null;
    Rows.forEach(session, weight.rows(), rows -> {
      float[] natural = new float[weight.columns()];
      float[] ordered = new float[weight.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        weight.readRow(r, natural);
        order.gather(natural, ordered);
        source.writeRow(r, ordered);
      }
    });
  }

  private float[] start(int rows) {
    float[] start = new float[Math.multiplyExact(rows, groupEnds.length)];
    Arrays.fill(start, START);
    return start;
  }

  /** γ and β, or nothing. */
  Map<String, Parameter> parameters() {
    return gamma == null ? Map.of() : Map.of("gamma", gamma, "beta", beta);
  }

  /** What the codes of the last {@link #quantize} stand for, F32 [rows, columns], columns in channel order. */
  Tensor quantized() {
    return quantized;
  }

  /**
   * LET's factors.
   *
   * @param columns on each column, in channel order
   * @param rows on each row
   * @param divided whether rows are divided by theirs
   */
  record Factors(float[] columns, float[] rows, boolean divided) {}

  /** One row on its way. */
  private final class Row {
    final float[] original = new float[source.columns()];
    final FiredRow fired = new FiredRow(source.columns());
    final float[] low = new float[groupEnds.length];
    final float[] high = new float[groupEnds.length];

    /** Scales and fires row {@code r}. */
    void load(int r, Factors factors) {
      source.readRow(r, original);
      float[] x = fired.x;
      float[] columns = factors.columns();
      float row = factors.rows()[r];
      for (int i = 0; i < x.length; i++) {
        x[i] = original[i] * columns[i];
      }
      if (factors.divided()) {
        for (int i = 0; i < x.length; i++) {
          x[i] /= row;
        }
      } else {
        for (int i = 0; i < x.length; i++) {
          x[i] *= row;
        }
      }
      if (levels == null) {
        return;
      }
      for (int g = 0, from = 0; g < groupEnds.length; from = groupEnds[g++]) {
        low[g] = Rows.min(x, from, groupEnds[g]);
        high[g] = Rows.max(x, from, groupEnds[g]);
        fired.range(from, groupEnds[g], SpikeRange.of(low[g] * clip(beta, r, g), high[g] * clip(gamma, r, g), levels));
        fired.fire(from, groupEnds[g], levels);
      }
    }
  }

  private float clip(Parameter parameter, int row, int group) {
    return parameter == null ? 1 : (float) (1 / (1 + Math.exp(-parameter.values()[row * groupEnds.length + group])));
  }

  /** Quantizes with the parameters as they are now. */
  void quantize(Factors factors) {
    Rows.forEach(session, source.rows(), rows -> {
      Row row = new Row();
      float[] decoded = new float[source.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        row.load(r, factors);
        if (levels != null) {
          row.fired.decode(decoded);
        }
        quantized.writeRow(r, levels == null ? row.fired.x : decoded);
      }
    });
  }

  /**
   * Gathers gradients.
   *
   * @param gradient ∂L/∂ŵ, F32 [rows, columns]
   * @param rowGradient ∂L/∂ of the factors on rows (of 1/s where they are divided by s), replaced
   * @return ∂L/∂ of the column factors, in channel order
   */
  float[] backward(Tensor gradient, Factors factors, float[] rowGradient) {
    float[][] parts = new float[Rows.chunks(source.rows())][source.columns()];
    Rows.forEach(session, source.rows(), rows -> {
      Row row = new Row();
      float[] g = new float[source.columns()];
      float[] scaled = new float[source.columns()];
      float[] columns = parts[rows.index()];
      for (int r = rows.from(); r < rows.to(); r++) {
        row.load(r, factors);
        gradient.readRow(r, g);
        if (levels != null) {
          throughCodes(row, r, g, scaled);
        } else {
          System.arraycopy(g, 0, scaled, 0, g.length);
        }
        float factor = factors.divided() ? 1 / factors.rows()[r] : factors.rows()[r];
        for (int i = 0; i < g.length; i++) {
          float w = scaled[i] * row.original[i];
          columns[i] += w * factor;
          g[i] = w * factors.columns()[i];
        }
        rowGradient[r] = (float) Rows.sum(g, 0, g.length);
      }
    });
    return Rows.total(parts);
  }

  /** From ∂L/∂ŵ in {@code g}, which is overwritten, to ∂L/∂w of the scaled weight; γ's and β's on the way. */
  private void throughCodes(Row row, int r, float[] g, float[] scaled) {
    row.fired.inputGradient(g, scaled);
    row.fired.thetaGradient(g, g);
    for (int k = 0, from = 0; k < groupEnds.length; from = groupEnds[k++]) {
      float lowClip = clip(beta, r, k);
      float highClip = clip(gamma, r, k);
      RangeGradient range = new RangeGradient(row.low[k] * lowClip, row.high[k] * highClip);
      range.add(Rows.sum(g, from, groupEnds[k]), levels);
      if (gamma != null) {
        int at = r * groupEnds.length + k;
        beta.gradient()[at] = (float) (range.toLow() * row.low[k] * lowClip * (1 - lowClip));
        gamma.gradient()[at] = (float) (range.toHigh() * row.high[k] * highClip * (1 - highClip));
      }
      RangeGradient.toExtremes(row.fired.x, from, groupEnds[k], row.low[k], row.high[k], range.toLow() * lowClip,
          range.toHigh() * highClip, scaled);
    }
  }

  /** The scaled weight, F32 [rows, columns], columns in the channels' own order; it takes the memory of {@link #quantized}. */
  Tensor scaled(Factors factors) {
    Rows.forEach(session, source.rows(), rows -> {
      Row row = new Row();
      float[] natural = new float[source.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        row.load(r, factors);
        order.scatter(row.fired.x, natural);
        quantized.writeRow(r, natural);
      }
    });
    return quantized;
  }

  /** The learned factors on the extremes of each row or group. */
  AffineQuantizer.Clipping clipping() {
    return new AffineQuantizer.Clipping() {
      @Override
      public float low(int row, int group) {
        return clip(beta, row, group);
      }

      @Override
      public float high(int row, int group) {
        return clip(gamma, row, group);
      }
    };
  }
}
