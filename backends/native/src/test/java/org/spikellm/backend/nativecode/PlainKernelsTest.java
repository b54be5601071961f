package org.spikellm.backend.nativecode;

import java.util.Map;
import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

/** The contract on the kernels that a processor with fewer instructions would use. */
class PlainKernelsTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return new NativeBackend().configure(Map.of("instructions", "plain"));
  }
}
