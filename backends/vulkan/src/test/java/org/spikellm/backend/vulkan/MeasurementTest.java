package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.lwjgl.vulkan.VK10;
import org.spikellm.api.DType;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** What a device gives is measured, whatever it gives, and nothing is left behind. */
class MeasurementTest {

  private static void assertMultiplies(Session session) {
    Tensor out = Tensor.allocate(DType.F32, 1, 2);
    session.matmul(Tensor.of(1, 1, 2), Tensor.of(2, 3, 4, 5, 6), out);
    assertArrayEquals(new float[] {11, 17}, out.toFloats());
  }

  private static VulkanSession open(Device.Faults faults) {
    Sessions.need();
    Device device = new Device(Instance.canValidate(), Choice.AUTO, EnumSet.allOf(Feature.class), faults);
    return new VulkanSession(device, 1, Layers.ALL);
  }

  @Test
  void everyRateThatTheDeviceHas() {
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      DeviceLimits limits = session.limits().orElseThrow();
      assertTrue(limits.copyBytes().isPresent(), limits.toString());
      assertEquals(session.device().features().contains(Feature.INTEGER_DOT), limits.byteOps().isPresent(), limits.toString());
      assertTrue(limits.measured().contains("MiB of memory"), limits.toString());
      assertEquals(0, session.memory().taken());
      assertMultiplies(session);
    }
  }

  @Test
  void withoutProductsOfBytesThereIsNoRateOfThem() {
    try (Session session = Sessions.open(Map.of("integer-dot", "off"))) {
      assertTrue(session.limits().orElseThrow().byteOps().isEmpty());
    }
  }

  @Test
  void ofTheMemoryThatThereIs() {
    int[] failures = {0};
    try (VulkanSession session = open(call -> call.equals("vkAllocateMemory") && failures[0]-- > 0
        ? VK10.VK_ERROR_OUT_OF_DEVICE_MEMORY : VK10.VK_SUCCESS)) {
      failures[0] = 1;
      String half = session.limits().orElseThrow().measured();
      String whole = session.limits().orElseThrow().measured();
      assertEquals(number(whole), 2 * number(half), whole);
    }
  }

  private static int number(String text) {
    return Integer.parseInt(text.substring(0, text.indexOf(' ')));
  }

  @Test
  void whatFailsLeavesNothingBehind() {
    String[] failing = {""};
    try (VulkanSession session = open(call -> call.equals(failing[0]) ? VK10.VK_ERROR_OUT_OF_DEVICE_MEMORY : VK10.VK_SUCCESS)) {
      for (String call : new String[] {"vkAllocateMemory", "vkCreateCommandPool", "vkQueueSubmit"}) {
        failing[0] = call;
        String said = assertThrows(OutOfMemoryError.class, session::limits, call).getMessage();
        assertTrue(said.startsWith("backend 'vulkan'") && !said.contains("\n"), said);
        failing[0] = "";
        assertEquals(0, session.memory().taken(), call);
        assertMultiplies(session);
      }
    }
  }
}
