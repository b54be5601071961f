package org.spikellm.model.training;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/**
 * Encoding in double as its gradient sees it (method.md §4): the first evaluation rounds and remembers what rounding added, the zero point
 * and which values were clipped; later ones keep those fixed, so that the function is smooth and can be differenced.
 */
final class Surrogate {

  private record Fired(boolean inside, double rest) {}

  private final List<Fired> fired = new ArrayList<>();
  private boolean recorded;
  private int next;

  /** Begins another evaluation, which fires in the same order as the first one. */
  void rewind() {
    recorded |= !fired.isEmpty();
    next = 0;
  }

  /** {@code x̂} of one value in the range {@code low..high}; {@code neuron} is null where the counts are collapsed. */
  double fire(double x, double low, double high, Dynamics dynamics, NeuronModel neuron) {
    double theta = (dynamics.bidirectional() ? Math.max(Math.abs(low), Math.abs(high)) : high - low) / dynamics.countHigh();
    if (!recorded) {
      double zero = dynamics.bidirectional() ? 0 : Math.rint(-low / theta);
      double current = Math.rint(x / theta) + zero;
      double clipped = Math.min(Math.max(current, dynamics.countLow()), dynamics.countHigh());
      double count = neuron == null ? clipped : count(neuron, dynamics, (float) current);
      boolean inside = clipped == current;
      fired.add(new Fired(inside, inside ? count - zero - x / theta : count - zero));
    }
    Fired at = fired.get(next++);
    return (at.inside() ? x / theta + at.rest() : at.rest()) * theta;
  }

  private static double count(NeuronModel neuron, Dynamics dynamics, float current) {
    float[] input = {current};
    float[] potential = new float[1];
    short[] spikes = new short[1];
    double sum = 0;
    for (int step = 0; step < dynamics.timeSteps(); step++) {
      neuron.step(input, potential, dynamics, spikes);
      input[0] = 0;
      sum += spikes[0];
    }
    return sum;
  }

  /** The range of the places {@code from..to − 1}, then each of them by its class. */
  double[] row(double[] x, ChannelOrder order, List<Dynamics> dynamics, NeuronModel neuron) {
    double low = Double.POSITIVE_INFINITY;
    double high = Double.NEGATIVE_INFINITY;
    for (double value : x) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    double[] out = new double[x.length];
    for (int c = 0; c < order.classes(); c++) {
      for (int i = order.start(c); i < order.end(c); i++) {
        int channel = order.order()[i];
        out[channel] = fire(x[channel], low, high, dynamics.get(c), neuron);
      }
    }
    return out;
  }
}
