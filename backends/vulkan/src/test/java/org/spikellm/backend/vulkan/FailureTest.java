package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.lwjgl.vulkan.VK10;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Tensor;

/** A device that is lost or full: one line, and nothing is left behind, as the validation layers would report on closing. */
class FailureTest {

  /** Makes a call fail when it comes round for the so manieth time from now, and where {@code lasts} from then on. */
  private static final class Fault implements Device.Faults {
    private String call = "";
    private int result;
    private int turns;
    private boolean lasts;

    void set(String call, int result, int turns) {
      this.call = call;
      this.result = result;
      this.turns = turns;
    }

    @Override
    public int of(String call) {
      return call.equals(this.call) && (--turns == 0 || lasts && turns < 0) ? result : VK10.VK_SUCCESS;
    }
  }

  private static VulkanSession open(Fault fault) {
    Sessions.need();
    return new VulkanSession(new Device(Instance.canValidate(), Choice.AUTO, EnumSet.allOf(Feature.class), fault), 1, Layers.ALL);
  }

  private static float[] product(VulkanSession session) {
    Tensor out = Tensor.allocate(DType.F32, 1, 2);
    session.matmul(Tensor.of(1, 1, 2), Tensor.of(2, 3, 4, 5, 6), out);
    return out.toFloats();
  }

  private static void assertOneLine(Throwable said, String... parts) {
    assertFalse(said.getMessage().contains("\n"), said.getMessage());
    for (String part : parts) {
      assertTrue(said.getMessage().contains(part), said.getMessage());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vkQueueSubmit", "vkWaitForFences"})
  void aLostDevice(String call) {
    Fault fault = new Fault();
    try (VulkanSession session = open(fault)) {
      DecoderSession decoder = session.decoder(VulkanDecoderTest.plan()).orElseThrow();
      DecoderSession.Cache cache = decoder.cache(VulkanDecoderTest.POSITIONS);
      VulkanDecoderTest.next(decoder, cache, 3, 0);
      fault.set(call, VK10.VK_ERROR_DEVICE_LOST, 1);
      String lost = "the device was lost";
      assertOneLine(assertThrows(IllegalStateException.class, () -> VulkanDecoderTest.next(decoder, cache, 1, 3)), call, lost);
      assertOneLine(assertThrows(IllegalStateException.class, () -> VulkanDecoderTest.next(decoder, cache, 1, 3)), call, lost);
      assertOneLine(assertThrows(IllegalStateException.class, () -> product(session)), call, lost);
    }
  }

  @Test
  void lostInACallOfAKernel() {
    Fault fault = new Fault();
    try (VulkanSession session = open(fault)) {
      fault.set("vkQueueSubmit", VK10.VK_ERROR_DEVICE_LOST, 1);
      assertOneLine(assertThrows(IllegalStateException.class, () -> product(session)), "vkQueueSubmit", "the device was lost");
    }
  }

  @Test
  void noMemoryForAModel() {
    Fault fault = new Fault();
    try (VulkanSession session = open(fault)) {
      fault.set("vkAllocateMemory", VK10.VK_ERROR_OUT_OF_DEVICE_MEMORY, 1);
      fault.lasts = true;
      assertOneLine(assertThrows(OutOfMemoryError.class, () -> session.decoder(VulkanDecoderTest.plan())), "MiB left beside",
          "its memory is");
      assertEquals(0, session.memory().taken());
      fault.set("", 0, 0);
      assertArrayEquals(new float[] {11, 17}, product(session));
    }
  }

  @Test
  void noMemoryWhileAPassIsRecorded() {
    Fault fault = new Fault();
    try (VulkanSession session = open(fault)) {
      DecoderSession decoder = session.decoder(VulkanDecoderTest.plan()).orElseThrow();
      DecoderSession.Cache cache = decoder.cache(VulkanDecoderTest.POSITIONS);
      fault.set("vkCreateComputePipelines of ROPE []", VK10.VK_ERROR_OUT_OF_DEVICE_MEMORY, 1);
      assertOneLine(assertThrows(OutOfMemoryError.class, () -> VulkanDecoderTest.next(decoder, cache, 1, 0)), "ROPE",
          "no device memory left");
      VulkanDecoderTest.next(decoder, cache, 1, 0);
    }
  }

  @Test
  void noMemoryForASubmission() {
    Fault fault = new Fault();
    try (VulkanSession session = open(fault)) {
      fault.set("vkQueueSubmit", VK10.VK_ERROR_OUT_OF_DEVICE_MEMORY, 1);
      assertOneLine(assertThrows(OutOfMemoryError.class, () -> product(session)), "vkQueueSubmit", "no device memory left");
      assertArrayEquals(new float[] {11, 17}, product(session));
    }
  }
}
