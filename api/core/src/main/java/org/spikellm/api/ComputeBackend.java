package org.spikellm.api;

/** Computes on one kind of device. The contract is {@code org.spikellm.tck.ComputeBackendContract}. */
public non-sealed interface ComputeBackend extends Provider {

  /** Whether this machine can run it, and on what; never throws and takes less than 300 ms. */
  Availability probe();

  /**
   * Opens the device.
   *
   * @param threads how many threads to use, at least 1
   * @throws IllegalStateException if {@link #probe} says {@link Availability.Unavailable}
   */
  Session open(int threads);
}
