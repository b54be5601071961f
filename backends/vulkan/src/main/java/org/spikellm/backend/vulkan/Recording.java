package org.spikellm.backend.vulkan;

import java.lang.foreign.MemorySegment;

/**
 * Commands that are recorded once and run again, a submission each time, as long as nothing but their data changes. What goes to
 * the device and what comes back lies in memory that both see.
 */
final class Recording implements AutoCloseable {

  private static final long LEAST_BYTES = 1 << 16;

  private final Device device;
  private final long pool;
  private Slot slot;
  private Object key;

  Recording(Device device) {
    this.device = device;
    pool = Commands.pool(device);
  }

  /** Whether what was recorded last is that of {@code wanted}. */
  boolean holds(Object wanted) {
    return wanted.equals(key);
  }

  /** Begins anew, with {@code bytes} that both see. */
  Pass begin(long bytes) {
    key = null;
    if (slot != null && slot.mapped().byteSize() < bytes) {
      slot.close();
      slot = null;
    }
    if (slot == null) {
      slot = new Slot(device, pool, Math.max(LEAST_BYTES, bytes));
    }
    slot.begin(false);
    return slot.pass();
  }

  /** Ends what {@link #begin} began. */
  void end(Object recorded) {
    slot.end();
    key = recorded;
  }

  /** What both see. */
  MemorySegment mapped() {
    return slot.mapped();
  }

  /** The same, for commands. */
  long buffer() {
    return slot.buffer();
  }

  /** Does what was recorded, and waits for it. */
  void run() {
    slot.submit();
    slot.await();
    device.checkMessages();
  }

  @Override
  public void close() {
    if (slot != null) {
      slot.close();
    }
    Commands.destroy(device, pool);
  }
}
