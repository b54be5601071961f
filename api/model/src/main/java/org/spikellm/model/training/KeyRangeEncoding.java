package org.spikellm.model.training;

import java.util.Arrays;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.KeyValueEncoding;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeRange;
import org.spikellm.api.Tensor;

/**
 * The encoding of keys with fixed ranges a channel, forward and backward (method.md §2, §4). The ranges are those of the calibration set,
 * scaled with LET's s_qk; gradients of θ go on to the scales.
 */
final class KeyRangeEncoding {

  private final KeyValueEncoding encoding;
  private final ChannelOrder order;
  private final float[] low;
  private final float[] high;
  private final boolean[] swapped;
  private final SpikeRange[] ranges;   // of each place

  KeyRangeEncoding(KeyValueEncoding encoding) {
    this.encoding = encoding;
    order = ChannelOrder.of(encoding.keySalient());
    low = encoding.keyLow().clone();
    high = encoding.keyHigh().clone();
    swapped = new boolean[low.length];
    ranges = new SpikeRange[low.length];
    findRanges();
  }

  private void findRanges() {
    for (int i = 0; i < ranges.length; i++) {
      int c = order.order()[i];
      ranges[i] = SpikeRange.of(low[c], high[c], encoding.dynamics(encoding.keySalient()[c]));
    }
  }

  /** Scales the ranges, channel by channel; a negative scale swaps the ends. */
  void scale(float[] scales) {
    for (int c = 0; c < low.length; c++) {
      float a = encoding.keyLow()[c] * scales[c];
      float b = encoding.keyHigh()[c] * scales[c];
      swapped[c] = scales[c] < 0;
      low[c] = swapped[c] ? b : a;
      high[c] = swapped[c] ? a : b;
    }
    findRanges();
  }

  float[] low() {
    return low.clone();
  }

  float[] high() {
    return high.clone();
  }

  private void fire(float[] row, FiredRow fired) {
    order.gather(row, fired.x);
    for (int i = 0; i < row.length; i++) {
      fired.range(i, i + 1, ranges[i]);
    }
    for (int c = 0; c < order.classes(); c++) {
      if (encoding.collapsed()) {
        fired.fire(order.start(c), order.end(c), encoding.dynamics(c == 1));
      } else {
        fired.fire(order.start(c), order.end(c), encoding.dynamics(c == 1), encoding.neuron());
      }
    }
  }

  /** Replaces keys, F32 [tokens, kvHeads · headDim], by what their spikes decode to. */
  void forward(Session session, Tensor keys, Tensor out) {
    Rows.forEach(session, keys.rows(), rows -> {
      FiredRow fired = new FiredRow(keys.columns());
      float[] row = new float[keys.columns()];
      float[] decoded = new float[keys.columns()];
      for (int r = rows.from(); r < rows.to(); r++) {
        keys.readRow(r, row);
        fire(row, fired);
        fired.decode(decoded);
        order.scatter(decoded, row);
        out.writeRow(r, row);
      }
    });
  }

  /**
   * Replaces ∂L/∂k̂ by ∂L/∂k.
   *
   * @param keys as in {@link #forward}
   * @param gradient ∂L/∂k̂, F32 [tokens, kvHeads · headDim]
   * @return ∂L/∂s of each channel's scale, through its range
   */
  float[] backward(Session session, Tensor keys, Tensor gradient) {
    int channels = keys.columns();
    double[][] theta = new double[Rows.chunks(keys.rows())][channels];
    Rows.forEach(session, keys.rows(), rows -> {
      FiredRow fired = new FiredRow(channels);
      float[] row = new float[channels];
      float[] out = new float[channels];
      float[] ordered = new float[channels];
      double[] sum = theta[rows.index()];
      for (int r = rows.from(); r < rows.to(); r++) {
        keys.readRow(r, row);
        fire(row, fired);
        gradient.readRow(r, row);
        order.gather(row, out);
        fired.inputGradient(out, ordered);
        order.scatter(ordered, row);
        gradient.writeRow(r, row);
        fired.thetaGradient(out, ordered);
        for (int i = 0; i < channels; i++) {
          sum[order.order()[i]] += ordered[i];
        }
      }
    });
    for (double[] part : Arrays.asList(theta).subList(1, theta.length)) {
      for (int c = 0; c < channels; c++) {
        theta[0][c] += part[c];
      }
    }
    return scaleGradient(theta[0]);
  }

  private float[] scaleGradient(double[] theta) {
    float[] result = new float[theta.length];
    for (int c = 0; c < result.length; c++) {
      RangeGradient range = new RangeGradient(low[c], high[c]);
      range.add(theta[c], encoding.dynamics(encoding.keySalient()[c]));
      float a = encoding.keyLow()[c];
      float b = encoding.keyHigh()[c];
      result[c] = (float) (swapped[c] ? range.toLow() * b + range.toHigh() * a : range.toLow() * a + range.toHigh() * b);
    }
    return result;
  }
}
