package org.spikellm.backend.reference;

import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

class ReferenceBackendTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return new ReferenceBackend();
  }
}
