package org.spikellm.backend.reference;

import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/** Plain Java on any machine: short enough to be read in one sitting, and what the others are compared with. */
public final class ReferenceBackend implements ComputeBackend {

  @Override
  public String id() {
    return "reference";
  }

  @Override
  public Availability probe() {
    return new Availability.Available("plain Java", 0);
  }

  @Override
  public Session open(int threads) {
    return new ReferenceSession(threads);
  }
}
