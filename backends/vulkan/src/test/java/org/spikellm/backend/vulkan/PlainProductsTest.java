package org.spikellm.backend.vulkan;

import java.util.Map;
import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

/** The contract, without the device's products of bytes. */
class PlainProductsTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return Sessions.backend(Map.of("integer-dot", "off"));
  }
}
