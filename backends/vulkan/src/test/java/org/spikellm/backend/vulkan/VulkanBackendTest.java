package org.spikellm.backend.vulkan;

import java.util.Map;
import org.spikellm.api.ComputeBackend;
import org.spikellm.tck.ComputeBackendContract;

class VulkanBackendTest extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return Sessions.backend(Map.of());
  }
}
