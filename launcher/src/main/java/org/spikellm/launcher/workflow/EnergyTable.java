package org.spikellm.launcher.workflow;

/**
 * Energy of an operation in picojoules, 45 nm (Horowitz, ISSCC 2014, as spiking papers quote it; method.md §6). An estimate of
 * arithmetic alone: memory traffic is not in it.
 */
public enum EnergyTable {
  FP32_MAC(4.6),
  FP32_ACCUMULATE(0.9),
  FP16_MAC(1.5),
  INT8_MAC(0.23),
  INT8_ADD(0.03);

  private final double picojoules;

  EnergyTable(double picojoules) {
    this.picojoules = picojoules;
  }

  /** Joules that {@code operations} take. */
  public double joules(long operations) {
    return operations * picojoules * 1e-12;
  }
}
