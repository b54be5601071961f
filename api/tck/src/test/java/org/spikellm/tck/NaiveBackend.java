package org.spikellm.tck;

import java.util.function.IntFunction;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/** A small correct backend; the faults of {@link BackendTrial} are sessions put in the place of its own. */
public class NaiveBackend implements ComputeBackend {

  private final IntFunction<Session> sessions;

  public NaiveBackend() {
    this(NaiveSession::new);
  }

  NaiveBackend(IntFunction<Session> sessions) {
    this.sessions = sessions;
  }

  @Override
  public String id() {
    return "naive";
  }

  @Override
  public Availability probe() {
    return new Availability.Available("one thread of plain Java", 0);
  }

  @Override
  public Session open(int threads) {
    return sessions.apply(threads);
  }
}
