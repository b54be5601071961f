package org.spikellm.api;

import java.util.List;

/**
 * How the input of a linear layer becomes spikes (method.md §2).
 *
 * @param neuron who fires
 * @param order where each channel stands, and its class
 * @param dynamics the neuron's parameters for each class of {@code order}; all bidirectional, or none
 * @param collapsed whether the counts are computed at once, which needs a collapsible neuron, or step by step
 */
public record Encoding(NeuronModel neuron, ChannelOrder order, List<Dynamics> dynamics, boolean collapsed) {

  public Encoding {
    dynamics = List.copyOf(dynamics);
    if (dynamics.size() != order.classes()) {
      throw new IllegalArgumentException("encoding: expected dynamics for " + order.classes() + " classes, found "
          + dynamics.size());
    }
    if (dynamics.stream().map(Dynamics::bidirectional).distinct().count() > 1) {
      throw new IllegalArgumentException("encoding: expected levels of both signs in all classes, or in none, found " + dynamics);
    }
    if (collapsed && !neuron.collapsible()) {
      throw new IllegalArgumentException("neuron '" + neuron.id() + "' is not collapsible; run it step by step");
    }
  }

  /** The same encoding, run step by step through the neuron. */
  public Encoding stepByStep() {
    return new Encoding(neuron, order, dynamics, false);
  }

  /** Spike planes a train has: 1 when collapsed, else the most time steps of any class. */
  public int planes() {
    int most = 1;
    for (Dynamics d : dynamics) {
      most = collapsed ? 1 : Math.max(most, d.timeSteps());
    }
    return most;
  }

  /** What is subtracted from a count to store it: 128 where that is what makes the counts fit in a signed byte, else 0. */
  public int offset() {
    int low = 0;
    int high = 0;
    for (Dynamics d : dynamics) {
      low = Math.min(low, d.countLow());
      high = Math.max(high, d.countHigh());
    }
    return collapsed && low == 0 && high > Byte.MAX_VALUE && high <= 255 ? 128 : 0;
  }

  /** I8 where every stored count, or spike of a step, fits, else I16. */
  public DType countType() {
    int low = 0;
    int high = 0;
    for (Dynamics d : dynamics) {
      low = Math.min(low, collapsed ? d.countLow() : d.lowLevel());
      high = Math.max(high, collapsed ? d.countHigh() : d.highLevel());
    }
    int offset = offset();
    return low - offset >= Byte.MIN_VALUE && high - offset <= Byte.MAX_VALUE ? DType.I8 : DType.I16;
  }
}
