package org.spikellm.backend.nativecode;

import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

class NativeBackendTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return new NativeBackend();
  }
}
