package org.spikellm.backend.vulkan;

import java.util.Map;
import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

/** The contract without what a device may lack: products of bytes, sums over threads, 16 bits in memory. */
class PlainShadersTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return Sessions.backend(Map.of("integer-dot", "off", "subgroups", "off", "shorts", "off"));
  }
}
