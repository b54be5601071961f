package org.spikellm.model.training;

import java.util.Arrays;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/**
 * The encoding of rows with a range each, forward and backward (method.md §2, §4): a token's input of a linear layer, or a head of a
 * token's queries or values.
 */
final class RowEncoding {

  private final NeuronModel neuron;
  private final boolean collapsed;
  private final List<Dynamics> dynamics;
  private final List<ChannelOrder> orders;
  private final boolean ordered;

  /**
   * @param orders the channel order of row r is {@code orders[r % orders.size()]}; all of one number of channels and classes
   * @param ordered whether what the spikes decode to is left in channel order, or put back into the channels' own
   */
  RowEncoding(NeuronModel neuron, boolean collapsed, List<Dynamics> dynamics, List<ChannelOrder> orders, boolean ordered) {
    this.neuron = neuron;
    this.collapsed = collapsed;
    this.dynamics = dynamics;
    this.orders = orders;
    this.ordered = ordered;
  }

  static RowEncoding of(Encoding encoding) {
    return new RowEncoding(encoding.neuron(), encoding.collapsed(), encoding.dynamics(), List.of(encoding.order()), true);
  }

  /** Encodes {@code x}, F32 [rows, channels] in the channels' own order, and decodes it into {@code out}, which may be {@code x}. */
  void forward(Session session, Tensor x, Tensor out) {
    Rows.forEach(session, x.rows(), rows -> {
      FiredRow fired = new FiredRow(x.columns());
      float[] row = new float[x.columns()];
      float[] decoded = new float[x.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        ChannelOrder order = orders.get(r % orders.size());
        x.readRow(r, row);
        fire(row, order, fired);
        fired.decode(decoded);
        if (!ordered) {
          order.scatter(decoded, row);
        }
        out.writeRow(r, ordered ? decoded : row);
      }
    });
  }

  /**
   * The gradient of the input.
   *
   * @param x as in {@link #forward}
   * @param gradient ∂L/∂out
   * @param inputGradient ∂L/∂x, in the channels' own order; may be {@code gradient} where it is not added
   * @param add whether it is added to what is there, or replaces it
   */
  void backward(Session session, Tensor x, Tensor gradient, Tensor inputGradient, boolean add) {
    Rows.forEach(session, x.rows(), rows -> {
      FiredRow fired = new FiredRow(x.columns());
      float[] row = new float[x.columns()];
      float[] out = new float[x.columns()];
      float[] part = new float[x.columns()];
      float[] sum = new float[x.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        ChannelOrder order = orders.get(r % orders.size());
        x.readRow(r, row);
        gradient.readRow(r, ordered ? out : part);
        if (!ordered) {
          order.gather(part, out);
        }
        backward(row, order, fired, out, part);
        if (add) {
          inputGradient.readRow(r, sum);
        } else {
          Arrays.fill(sum, 0);
        }
        for (int i = 0; i < part.length; i++) {
          sum[order.order()[i]] += part[i];
        }
        inputGradient.writeRow(r, sum);
      }
    });
  }

  private void fire(float[] row, ChannelOrder order, FiredRow fired) {
    float low = Rows.min(row, 0, row.length);
    float high = Rows.max(row, 0, row.length);
    order.gather(row, fired.x);
    for (int c = 0; c < order.classes(); c++) {
      fired.range(order.start(c), order.end(c), SpikeRange.of(low, high, dynamics.get(c)));
      if (collapsed) {
        fired.fire(order.start(c), order.end(c), dynamics.get(c));
      } else {
        fired.fire(order.start(c), order.end(c), dynamics.get(c), neuron);
      }
    }
  }

  /** ∂L/∂x of one row, in channel order; {@code gradient} is ∂L/∂x̂ and is overwritten. */
  private void backward(float[] row, ChannelOrder order, FiredRow fired, float[] gradient, float[] inputGradient) {
    fire(row, order, fired);
    fired.inputGradient(gradient, inputGradient);
    fired.thetaGradient(gradient, gradient);
    float low = Rows.min(row, 0, row.length);
    float high = Rows.max(row, 0, row.length);
    RangeGradient range = new RangeGradient(low, high);
    for (int c = 0; c < order.classes(); c++) {
      range.add(Rows.sum(gradient, order.start(c), order.end(c)), dynamics.get(c));
    }
    RangeGradient.toExtremes(fired.x, 0, row.length, low, high, range.toLow(), range.toHigh(), inputGradient);
  }
}
