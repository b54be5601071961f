package org.spikellm.launcher.registry;

import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;

/** Asks a backend whether it can run here, however badly it behaves. */
public final class Probe {

  private Probe() {}

  /** Asks the backend of a listing. */
  public static Availability of(Listing backend) {
    return of((ComputeBackend) Guard.over(backend));
  }

  /** What the backend's probe says; that it is unavailable where it throws, says nothing or does not come back. */
  public static Availability of(ComputeBackend backend) {
    try {
      Availability answer = TimeLimit.call("probe of " + backend.id(), backend::probe);
      return answer == null ? new Availability.Unavailable("its probe answered nothing") : answer;
    } catch (Throwable e) {
      return new Availability.Unavailable("its probe failed: " + Listing.reason(e));
    }
  }
}
