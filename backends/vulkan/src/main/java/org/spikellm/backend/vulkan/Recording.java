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

  /** Commands to be recorded. */
  @FunctionalInterface
  interface Commander {

    /** Records into {@code pass}; {@code host} is the buffer that both see. */
    void record(Pass pass, long host);
  }

  /**
   * Records anew.
   *
   * @param wanted what it is good for
   * @param bytes that both are to see
   */
  void record(Object wanted, long bytes, Commander commander) {
    key = null;
    if (slot != null && slot.mapped().byteSize() < bytes) {
      slot.close();
      slot = null;
    }
    if (slot == null) {
      slot = new Slot(device, pool, Math.max(LEAST_BYTES, bytes));
    }
    slot.begin(false);
    try {
      commander.record(slot.pass(), slot.buffer());
    } catch (RuntimeException | Error e) {
      slot.forget();
      throw e;
    }
    slot.end();
    key = wanted;
  }

  /** What both see. */
  MemorySegment mapped() {
    return slot.mapped();
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
