package org.spikellm.launcher.workflow;

import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Session;

/**
 * A backend that is open for measuring.
 *
 * @param id the backend's id
 * @param device what it runs on
 * @param session closed by whoever opened it
 */
record OpenBackend(String id, String device, Session session) {

  /** Opens all of them, or none. */
  static List<OpenBackend> open(List<ComputeBackend> backends, int threads) {
    List<OpenBackend> opened = new ArrayList<>();
    try {
      for (ComputeBackend backend : backends) {
        String device = backend.probe() instanceof Availability.Available(String name, int speed) ? name : "";
        opened.add(new OpenBackend(backend.id(), device, backend.open(threads)));
      }
      return opened;
    } catch (RuntimeException e) {
      close(opened);
      throw e;
    }
  }

  /** Fails where its device does not take all blocks of a model: what is measured is a backend, not two. */
  void requireAll(int blocks, long blockBytes, long headBytes) {
    int taken = session.takes(blocks, blockBytes, headBytes);
    if (taken < blocks) {
      throw new IllegalArgumentException("bench: expected backend '" + id + "' to run all " + blocks
          + " blocks, found that it takes " + taken + "; leave its option 'layers' out");
    }
  }

  static void close(List<OpenBackend> backends) {
    backends.forEach(backend -> backend.session.close());
  }
}
