package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Ranges do not overlap, come back, and are refused by size where there is no room. */
class DeviceMemoryTest {

  private static final long MIB = 1 << 20;

  private static Device device() {
    Sessions.need();
    return new Device(Instance.canValidate(), Choice.AUTO, EnumSet.allOf(Feature.class));
  }

  @Test
  void rangesDoNotOverlap() {
    Random random = new Random(1);
    try (Device device = device(); DeviceMemory memory = new DeviceMemory(device)) {
      List<DeviceMemory.Range> held = new ArrayList<>();
      for (int turn = 0; turn < 2000; turn++) {
        if (!held.isEmpty() && random.nextInt(5) < 2) {
          memory.release(held.remove(random.nextInt(held.size())));
          continue;
        }
        DeviceMemory.Range range = memory.allocate(random.nextInt(100_000));
        assertEquals(0, range.address() % 16, "alignment of an address");
        for (DeviceMemory.Range other : held) {
          assertTrue(range.address() + range.bytes() <= other.address() || other.address() + other.bytes() <= range.address(),
              range + " overlaps " + other);
        }
        held.add(range);
      }
      held.forEach(memory::release);
      DeviceMemory.Range first = memory.allocate(32 * MIB);
      memory.release(first);
      assertEquals(first.address(), memory.allocate(32 * MIB).address(), "what was given back is one range again");
    }
  }

  @Test
  void whatDoesNotFitIsSaidInNumbers() {
    try (Device device = device(); DeviceMemory memory = new DeviceMemory(device)) {
      memory.allocate(1);
      String said = assertThrows(OutOfMemoryError.class, () -> memory.allocate(1L << 50)).getMessage();
      String start = "backend 'vulkan': " + device.facts().name() + " has no 1073741824 MiB left beside the 32 MiB in use";
      assertTrue(said.startsWith(start), said);
      memory.allocate(MIB); // and it goes on
    }
  }
}
