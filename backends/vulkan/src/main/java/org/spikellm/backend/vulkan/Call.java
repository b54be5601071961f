package org.spikellm.backend.vulkan;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.spikellm.api.Tensor;

/** One call of a session: memory for its tensors on the device, and what is to be done with them. */
final class Call implements AutoCloseable {

  private final DeviceMemory memory;
  private final Commands commands;
  private final List<DeviceMemory.Range> taken = new ArrayList<>();
  private boolean finished;

  Call(DeviceMemory memory, Commands commands) {
    this.memory = memory;
    this.commands = commands;
  }

  Commands commands() {
    return commands;
  }

  /** Device memory until the end of the call, with anything in it. */
  DeviceMemory.Range take(long bytes) {
    DeviceMemory.Range range = memory.allocate(bytes);
    taken.add(range);
    return range;
  }

  /** A copy of a tensor on the device. */
  DeviceMemory.Range upload(Tensor tensor) {
    return upload(tensor.segment());
  }

  DeviceMemory.Range upload(MemorySegment segment) {
    DeviceMemory.Range range = take(segment.byteSize());
    commands.upload(segment, range);
    return range;
  }

  /** Copies a tensor back, and waits until everything is done. */
  void finish(DeviceMemory.Range from, Tensor to) {
    commands.download(from, 0, to.segment());
    finish();
  }

  /** Waits until everything is done. */
  void finish() {
    commands.finish();
    finished = true;
  }

  @Override
  public void close() {
    try {
      if (!finished) {
        commands.abandon();
      }
    } finally {
      taken.forEach(memory::release);
    }
  }
}
