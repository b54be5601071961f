package org.spikellm.backend.vulkan;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * Takes ranges of device memory, and fills them.
 *
 * @param arena lives until {@code commands} are finished
 * @param kept to which all ranges are added
 */
record Uploader(DeviceMemory memory, Commands commands, Arena arena, List<DeviceMemory.Range> kept) {

  DeviceMemory.Range take(long bytes) {
    DeviceMemory.Range range = memory.allocate(bytes);
    kept.add(range);
    return range;
  }

  DeviceMemory.Range copy(MemorySegment segment) {
    DeviceMemory.Range range = take(segment.byteSize());
    commands.upload(segment, range);
    return range;
  }

  /** I32 [rows, …], one after the other. */
  DeviceMemory.Range table(List<int[]> rows) {
    return copy(arena.allocateFrom(ValueLayout.JAVA_INT, rows.stream().flatMapToInt(Arrays::stream).toArray()));
  }

  DeviceMemory.Range fill(int rows, long rowBytes, Commands.Filler filler) {
    DeviceMemory.Range range = take(rows * rowBytes);
    commands.upload(rows, rowBytes, range, filler, false);
    return range;
  }
}
