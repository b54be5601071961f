package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** How many blocks are taken, and what is said where that cannot be. */
class LayersTest {

  private static final long MIB = 1 << 20;

  @Test
  void asManyAsThereAre() {
    assertEquals(6, Layers.ALL.taken(6, 10 * MIB, 5 * MIB, "GPU", 65 * MIB));
    assertEquals(4, new Layers(4).taken(6, 10 * MIB, 500 * MIB, "GPU", 40 * MIB));
  }

  @Test
  void moreThanThereAre() {
    assertEquals("option vulkan.layers=7: expected 1 to 6, the model's blocks, or leave it out",
        assertThrows(IllegalArgumentException.class, () -> new Layers(7).taken(6, 1, 1, "GPU", MIB)).getMessage());
  }

  @Test
  void whatDoesNotFit() {
    assertEquals("backend 'vulkan': the model needs more than 65 MiB, GPU has 64 MiB left; let the CPU run the last blocks "
        + "(--option vulkan.layers=5 or less), or use another --backend",
        assertThrows(OutOfMemoryError.class, () -> Layers.ALL.taken(6, 10 * MIB, 5 * MIB, "GPU", 64 * MIB)).getMessage());
    assertEquals("backend 'vulkan': 3 blocks need more than 30 MiB, GPU has 9 MiB left; use another --backend",
        assertThrows(OutOfMemoryError.class, () -> new Layers(3).taken(6, 10 * MIB, MIB, "GPU", 9 * MIB)).getMessage());
  }

  @Test
  void whatIsNoNumber() {
    for (String wrong : new String[] {"0", "-1", "some"}) {
      Map<String, String> options = Map.of("layers", wrong);
      assertEquals("layers=" + wrong + ": expected all, or how many of a model's first blocks run on the device, 1 or more",
          assertThrows(IllegalArgumentException.class, () -> new VulkanBackend().configure(options)).getMessage());
    }
  }
}
