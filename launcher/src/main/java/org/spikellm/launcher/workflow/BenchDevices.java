package org.spikellm.launcher.workflow;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.spikellm.api.DeviceLimits;

/**
 * The devices that backends run on, measured beside the runs: by the session where it has one of its own, once a round of runs,
 * else the machine's cores and memory, before each run.
 */
final class BenchDevices implements AutoCloseable {

  private final int threads;
  private final Map<OpenBackend, Optional<DeviceLimits>> round = new HashMap<>();
  /** Taken when the first backend needs it. */
  private MachineLimits machine;

  /** The machine's cores are as many as {@code threads}. */
  BenchDevices(int threads) {
    this.threads = threads;
  }

  /** Devices are measured again from now on. */
  void nextRound() {
    round.clear();
  }

  /** What the backend's device gives now. */
  DeviceLimits sample(OpenBackend backend) {
    return own(backend).orElseGet(() -> {
      if (machine == null) {
        machine = new MachineLimits(threads);
      }
      return machine.sample();
    });
  }

  /** Whether the backend has a device of its own. */
  boolean isOwn(OpenBackend backend) {
    return own(backend).isPresent();
  }

  private Optional<DeviceLimits> own(OpenBackend backend) {
    return round.computeIfAbsent(backend, b -> b.session().limits());
  }

  @Override
  public void close() {
    if (machine != null) {
      machine.close();
    }
  }
}
