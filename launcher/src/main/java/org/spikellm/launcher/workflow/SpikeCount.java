package org.spikellm.launcher.workflow;

import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.Tensor;
import org.spikellm.model.SpikeObserver;

/**
 * Counts the spikes that enter linear layers, and what they cost (method.md §6): a spike of level k is k accumulates in each output
 * channel.
 */
public final class SpikeCount implements SpikeObserver {

  private long spikes;
  private long possible;
  private long accumulates;
  private long macs;
  private long scalings;

  @Override
  public void spikes(SpikeTrain train, Encoding encoding, int rows) {
    long fired = 0;
    for (int c = 0; c < train.order().classes(); c++) {
      Dynamics dynamics = encoding.dynamics().get(c);
      int level = Math.max(dynamics.countHigh(), -dynamics.countLow());
      possible += (long) train.tokens() * (train.order().end(c) - train.order().start(c)) * level;
    }
    for (Tensor plane : train.planes()) {
      fired += levels(plane, train.offset());
    }
    spikes += fired;
    accumulates += fired * rows;
    macs += (long) train.tokens() * train.order().channels() * rows;
    scalings += (long) train.tokens() * train.order().classes() * rows;
  }

  private static long levels(Tensor plane, int offset) {
    long sum = 0;
    if (plane.dtype() == DType.I8) {
      for (long i = 0; i < plane.size(); i++) {
        sum += Math.abs(plane.segment().get(Tensor.BYTE, i) + offset);
      }
    } else {
      for (long i = 0; i < plane.size(); i++) {
        sum += Math.abs(plane.segment().get(Tensor.SHORT, i * 2) + offset);
      }
    }
    return sum;
  }

  /** Spikes fired, a level k as k. */
  public long spikes() {
    return spikes;
  }

  /** Spikes over the most that could have fired: neurons · T · L. */
  public double firingRate() {
    return possible == 0 ? 0 : (double) spikes / possible;
  }

  /** Additions that the spikes cause. */
  public long accumulates() {
    return accumulates;
  }

  /** Multiplications that are left: one by θ and scale for each output channel and class of input channels. */
  public long scalings() {
    return scalings;
  }

  /** Joules of the additions and the multiplications that are left, by {@link EnergyTable}. */
  public double joules() {
    return EnergyTable.INT8_ADD.joules(accumulates) + EnergyTable.FP32_MAC.joules(scalings);
  }

  /** Multiply-accumulates that the same layers take without spikes. */
  public long macs() {
    return macs;
  }
}
