package org.spikellm.launcher.workflow;

import java.util.Arrays;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;

/** Spikes of each input channel of a layer, in the channels' own order, and the most there could have been. */
final class ChannelSpikes {

  private long[] fired = {};
  private long[] possible = {};

  /** Adds what {@code tokens} tokens fired: spikes by place in the channel order. */
  void add(Encoding encoding, int tokens, long[] byPlace) {
    ChannelOrder order = encoding.order();
    if (fired.length == 0) {
      fired = new long[order.channels()];
      possible = new long[order.channels()];
    }
    for (int c = 0; c < order.classes(); c++) {
      Dynamics dynamics = encoding.dynamics().get(c);
      long most = (long) tokens * Math.max(dynamics.countHigh(), -dynamics.countLow());
      for (int place = order.start(c); place < order.end(c); place++) {
        fired[order.order()[place]] += byPlace[place];
        possible[order.order()[place]] += most;
      }
    }
  }

  /** Spikes over the most there could have been, a channel; nothing where inputs stay in float. */
  double[] rates() {
    double[] rates = new double[fired.length];
    Arrays.setAll(rates, channel -> (double) fired[channel] / possible[channel]);
    return rates;
  }
}
