package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;

import java.lang.foreign.MemorySegment;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.VkCommandPoolCreateInfo;

/**
 * What the device is to do, in order. Data goes through memory that both see, of which there are two turns: while the device
 * copies out of one, the host fills the other. Nothing needs to be waited for but {@link #finish}.
 */
final class Commands implements Recorder, AutoCloseable {

  private static final int TURNS = 2;
  private static final long BYTES = 4L << 20;

  /** What of a turn's memory goes where when the device is done. */
  private record Arrival(long at, MemorySegment to) {}

  /** Writes a row where the device will find it. */
  interface Filler {
    void fill(int row, MemorySegment place);
  }

  private final Device device;
  private final long pool;
  private final List<Slot> slots = new ArrayList<>();
  private final List<Arrival> arrivals = new ArrayList<>();
  private int turn;
  private boolean recording;
  private boolean runOften;
  private boolean written;
  private boolean computed;

  Commands(Device device) {
    this.device = device;
    pool = pool(device);
    try {
      for (int i = 0; i < TURNS; i++) {
        slots.add(new Slot(device, pool, BYTES));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** A pool for command buffers that are recorded again and again. */
  static long pool(Device device) {
    try (MemoryStack stack = stackPush()) {
      LongBuffer out = stack.mallocLong(1);
      var create = VkCommandPoolCreateInfo.calloc(stack).sType$Default().flags(VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT)
          .queueFamilyIndex(device.facts().computeFamily());
      device.check("vkCreateCommandPool", () -> vkCreateCommandPool(device.handle(), create, null, out));
      return out.get(0);
    }
  }

  static void destroy(Device device, long pool) {
    vkDestroyCommandPool(device.handle(), pool, null);
  }

  /** The turn that is recorded, with {@code bytes} free, or as many as a turn has. */
  private Slot slot(long bytes) {
    if (recording && slots.get(turn).free() < Math.min(bytes, BYTES)) {
      submit();
    }
    if (!recording) {
      slots.get(turn).begin(true);
      recording = true;
    }
    return slots.get(turn);
  }

  private void submit() {
    recording = false;
    if (!arrivals.isEmpty()) {
      barrier(slots.get(turn));   // the host is to see them
    }
    slots.get(turn).end();
    slots.get(turn).submit();
    if (!arrivals.isEmpty()) {
      receive();
    }
    turn = (turn + 1) % TURNS;
  }

  private void receive() {
    slots.get(turn).await();
    MemorySegment mapped = slots.get(turn).mapped();
    arrivals.forEach(arrival -> arrival.to.copyFrom(mapped.asSlice(arrival.at, arrival.to.byteSize())));
    arrivals.clear();
  }

  /** Copies host memory to the device, in parts where it is large. */
  void upload(MemorySegment from, DeviceMemory.Range to) {
    for (long done = 0; done < from.byteSize();) {
      long left = from.byteSize() - done;
      long part = Math.min(left, slot(left).free());
      staged(part, to, done).copyFrom(from.asSlice(done, part));
      done += part;
    }
  }

  /**
   * Fills rows of a matrix on the device, in parts where they are many; a row is at most {@link #BYTES}.
   *
   * @param atOnce whether several threads may fill rows
   */
  void upload(int rows, long rowBytes, DeviceMemory.Range to, Filler filler, boolean atOnce) {
    for (int done = 0; done < rows;) {
      if (slot(rowBytes).free() < rowBytes) {
        throw new IllegalArgumentException("backend 'vulkan': expected rows of at most " + BYTES + " bytes, found " + rowBytes);
      }
      int part = (int) Math.min(rows - done, slot(rowBytes).free() / rowBytes);
      MemorySegment place = staged(part * rowBytes, to, done * rowBytes);
      int first = done;
      IntStream filled = IntStream.range(0, part);
      (atOnce ? filled.parallel() : filled).forEach(r -> filler.fill(first + r, place.asSlice(r * rowBytes, rowBytes)));
      done += part;
    }
  }

  /** Memory that the host fills before it calls anything else here, and that is copied to the device; no more than is free. */
  private MemorySegment staged(long bytes, DeviceMemory.Range to, long offset) {
    Slot slot = slot(bytes);
    long at = slot.take(bytes);
    if (computed) {
      barrier(slot); // what is copied to may still be read
    }
    slot.pass().copy(slot.buffer(), at, to.buffer(), to.offset() + offset, bytes);
    written = true;
    return slot.mapped().asSlice(at, bytes);
  }

  /** Runs a kernel on x · y workgroups, after all that came before. */
  @Override
  public void dispatch(Kernel kernel, Arguments arguments, int x, int y) {
    Slot slot = slot(0);
    barrier(slot);
    slot.pass().dispatch(kernel, arguments, x, y);
    written = true;
    computed = true;
  }

  @Override
  public boolean isRunOften() {
    return runOften;
  }

  /** Whether kernels are to be compiled as where they run often, for tests. */
  void setRunOften(boolean often) {
    runOften = often;
  }

  /** Nothing to do: each kernel waits for those before it. */
  @Override
  public void then() {}

  /** Copies device memory to the host; it is there after {@link #finish}. */
  void download(DeviceMemory.Range from, long offset, MemorySegment to) {
    for (long done = 0; done < to.byteSize();) {
      long left = to.byteSize() - done;
      Slot slot = slot(left);
      long part = Math.min(left, slot.free());
      long at = slot.take(part);
      barrier(slot);
      slot.pass().copy(from.buffer(), from.offset() + offset + done, slot.buffer(), at, part);
      written = true;
      arrivals.add(new Arrival(at, to.asSlice(done, part)));
      done += part;
    }
  }

  /** Waits until everything is done. */
  void finish() {
    if (recording) {
      barrier(slots.get(turn));
      submit();
    }
    slots.forEach(Slot::await);
    device.checkMessages();
  }

  /** Forgets what was not given to the device yet, and waits for the rest. */
  void abandon() {
    arrivals.clear();
    if (recording) {
      slots.get(turn).forget();
      recording = false;
    }
    slots.forEach(Slot::await);
    written = false;
    computed = false;
  }

  /** What comes after sees what was written before, on the host too. */
  private void barrier(Slot slot) {
    if (!written) {
      return;
    }
    slot.pass().then();
    written = false;
    computed = false;
  }

  @Override
  public void close() {
    slots.forEach(Slot::close);
    slots.clear();
    destroy(device, pool);
  }
}
