package org.spikellm.backend.simd;

import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

class SimdBackendTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return new SimdBackend();
  }
}
