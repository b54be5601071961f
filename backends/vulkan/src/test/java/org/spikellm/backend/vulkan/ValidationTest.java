package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Availability;

/** The validation layers are heard: a session that left something behind would fail its test. */
class ValidationTest {

  @Test
  void whatTheLayersReportIsAFailure() {
    if (new VulkanBackend().configure(Map.of("validation", "true")).probe() instanceof Availability.Unavailable unavailable) {
      Sessions.skip(unavailable.reason());
    }
    Device device = new Device(true, Choice.AUTO, EnumSet.allOf(Feature.class));
    new DeviceMemory(device).allocate(1); // and never freed
    String said = assertThrows(IllegalStateException.class, device::close).getMessage();
    assertTrue(said.contains("the validation layers report") && said.contains("VkBuffer"), said);
  }
}
