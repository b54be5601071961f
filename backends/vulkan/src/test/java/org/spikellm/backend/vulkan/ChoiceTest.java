package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.lwjgl.vulkan.VK10;
import org.lwjgl.vulkan.VK11;
import org.lwjgl.vulkan.VK12;

/** Which of several devices is taken, and why none is. */
class ChoiceTest {

  private static final DeviceFacts SOFTWARE = device("llvmpipe", VK10.VK_PHYSICAL_DEVICE_TYPE_CPU);
  private static final DeviceFacts SHARED = device("Intel Iris", VK10.VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU);
  private static final DeviceFacts DISCRETE = device("NVIDIA RTX 4090", VK10.VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU);

  private static DeviceFacts device(String name, int type) {
    return new DeviceFacts(name, type, VK12.VK_API_VERSION_1_2, 0, true, 128, 16384, Set.of(), null);
  }

  private static void assertRefused(String expected, List<DeviceFacts> devices, String wanted) {
    Choice choice = Choice.of(devices, wanted);
    assertEquals(-1, choice.index());
    assertTrue(choice.reason().contains(expected), choice.reason());
  }

  @Test
  void discreteGoesFirstAndSoftwareLast() {
    assertEquals(2, Choice.of(List.of(SOFTWARE, SHARED, DISCRETE, DISCRETE), "auto").index());
    assertEquals(1, Choice.of(List.of(SOFTWARE, SHARED), "auto").index());
    assertEquals(0, Choice.of(List.of(SOFTWARE), "auto").index());
    assertEquals(0, SOFTWARE.speed(), "rank of plain Java, so that backend 'auto' never takes it");
  }

  @Test
  void takesWhatIsAskedFor() {
    List<DeviceFacts> all = List.of(SOFTWARE, SHARED, DISCRETE);
    assertEquals(0, Choice.of(all, "0").index());
    assertEquals(1, Choice.of(all, "iris").index());
    assertRefused("there is no device '3'; there are: 0 (llvmpipe), 1 (Intel Iris), 2 (NVIDIA RTX 4090)", all, "3");
    assertRefused("there is no device 'amd'", all, "amd");
  }

  @Test
  void saysWhatIsMissing() {
    int type = VK10.VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    DeviceFacts old = new DeviceFacts("old", type, VK11.VK_API_VERSION_1_1, 0, false, 128, 16384, Set.of(), null);
    DeviceFacts display = new DeviceFacts("display", type, VK12.VK_API_VERSION_1_2, -1, true, 128, 16384, Set.of(), null);
    DeviceFacts bound = new DeviceFacts("bound", type, VK12.VK_API_VERSION_1_2, 0, false, 128, 16384, Set.of(), null);
    assertRefused("found no device", List.of(), "auto");
    assertRefused("old has Vulkan 1.1, needed is 1.2; display has no queue that computes; bound has no addresses of buffers",
        List.of(old, display, bound), "auto");
    assertEquals(1, Choice.of(List.of(old, SOFTWARE), "auto").index());
    assertRefused("old has Vulkan 1.1", List.of(old, SOFTWARE), "old");
  }
}
