package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;
import static org.lwjgl.vulkan.VK12.*;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.VkBufferCreateInfo;
import org.lwjgl.vulkan.VkBufferDeviceAddressInfo;
import org.lwjgl.vulkan.VkMemoryAllocateFlagsInfo;
import org.lwjgl.vulkan.VkMemoryAllocateInfo;
import org.lwjgl.vulkan.VkMemoryRequirements;

/**
 * A device's memory: ranges of large buffers, since a device may allow only a few thousand allocations. What belongs to an object
 * is given back when that is no longer reachable. For one thread.
 */
final class DeviceMemory implements AutoCloseable {

  private static final long BLOCK = 32L << 20;
  private static final long ALIGNMENT = 256;
  /** How long a collection may take to name the first object that is gone. */
  private static final long COLLECTION_MILLIS = 200;

  /**
   * A range of a buffer.
   *
   * @param block where it lies
   * @param offset within the block's buffer
   * @param bytes how long it is
   */
  record Range(Block block, long offset, long bytes) {

    long address() {
      return block.address + offset;
    }

    long buffer() {
      return block.buffer;
    }

    /** What is left of it from {@code skipped} bytes on; only to be read or written. */
    Range from(long skipped) {
      return new Range(block, offset + skipped, bytes - skipped);
    }
  }

  /** One allocation, and a buffer over all of it. */
  static final class Block {
    private final long bytes;
    private long buffer;
    private long memory;
    private long address;
    /** Free ranges, offset to bytes. */
    private final TreeMap<Long, Long> free = new TreeMap<>();

    private Block(long bytes) {
      this.bytes = bytes;
      free.put(0L, bytes);
    }
  }

  /** Ranges that belong to an object. */
  static final class Owned extends PhantomReference<Object> {
    private final List<Range> ranges;

    private Owned(Object owner, ReferenceQueue<Object> queue, List<Range> ranges) {
      super(owner, queue);
      this.ranges = ranges;
    }
  }

  private final Device device;
  private final long largest;
  private final List<Block> blocks = new ArrayList<>();
  private final Set<Owned> owned = new HashSet<>();
  private final ReferenceQueue<Object> unreachable = new ReferenceQueue<>();

  DeviceMemory(Device device) {
    this(device, Long.MAX_VALUE);
  }

  /** Memory of a device, in ranges of at most {@code limit} bytes. */
  DeviceMemory(Device device, long limit) {
    this.device = device;
    largest = Math.min(limit, device.largestAllocation());
  }

  /** The most bytes of a range; what is larger is to be cut. */
  long largest() {
    return largest;
  }

  /** Memory with anything in it. Where there is none left, what is no longer reachable is looked for first. */
  Range allocate(long bytes) {
    releaseUnreachable();
    long size = Math.max(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    try {
      return find(size);
    } catch (OutOfMemoryError e) {
      if (owned.isEmpty()) {
        throw e;
      }
      collect();
      return find(size);
    }
  }

  private Range find(long size) {
    for (Block block : blocks) {
      Range range = take(block, size);
      if (range != null) {
        return range;
      }
    }
    Block block = newBlock(Math.max(size, Math.min(BLOCK, largest)), size);
    blocks.add(block);
    return take(block, size);
  }

  private static Range take(Block block, long size) {
    for (Map.Entry<Long, Long> gap : block.free.entrySet()) {
      if (gap.getValue() >= size) {
        long offset = gap.getKey();
        long left = gap.getValue() - size;
        block.free.remove(offset);
        if (left > 0) {
          block.free.put(offset + size, left);
        }
        return new Range(block, offset, size);
      }
    }
    return null;
  }

  /** Gives a range back; nothing that is still to run may use it. */
  void release(Range range) {
    TreeMap<Long, Long> free = range.block.free;
    long offset = range.offset;
    long bytes = range.bytes;
    Map.Entry<Long, Long> before = free.lowerEntry(offset);
    if (before != null && before.getKey() + before.getValue() == offset) {
      offset = before.getKey();
      bytes += before.getValue();
    }
    Long after = free.remove(range.offset + range.bytes);
    free.put(offset, bytes + (after == null ? 0 : after));
    if (free.firstEntry().getValue() == range.block.bytes && range.block.bytes > BLOCK) {
      blocks.remove(range.block);
      destroy(range.block);
    }
  }

  /** Gives ranges back when {@code owner} is no longer reachable, if {@link #release(Owned)} does not do it before. */
  Owned releaseAfter(Object owner, List<Range> ranges) {
    Owned belongings = new Owned(owner, unreachable, List.copyOf(ranges));
    owned.add(belongings);
    return belongings;
  }

  /** Gives the ranges of an object back; a second call does nothing, nor one after all memory was given back. */
  void release(Owned belongings) {
    if (owned.remove(belongings)) {
      belongings.ranges.forEach(this::release);
    }
  }

  /** Gives back what belongs to objects that are no longer reachable, which takes a collection to find out. */
  void collect() {
    System.gc();
    try {
      Reference<?> reference = unreachable.remove(COLLECTION_MILLIS);
      if (reference != null) {
        release((Owned) reference);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    releaseUnreachable();
  }

  /** Whether the ranges of an object are no longer its own. */
  boolean isReleased(Owned belongings) {
    return !owned.contains(belongings);
  }

  /** Bytes of all ranges that were not given back. */
  long taken() {
    releaseUnreachable();
    return blocks.stream().mapToLong(block -> block.bytes - block.free.values().stream().mapToLong(Long::longValue).sum()).sum();
  }

  private void releaseUnreachable() {
    for (Object reference = unreachable.poll(); reference != null; reference = unreachable.poll()) {
      release((Owned) reference);
    }
  }

  private Block newBlock(long bytes, long needed) {
    try {
      if (needed > largest) {
        throw new OutOfMemoryError(); // asking for it would be a fault
      }
      return create(bytes);
    } catch (OutOfMemoryError e) {
      if (bytes > needed) {
        return newBlock(needed, needed);
      }
      long used = blocks.stream().mapToLong(b -> b.bytes).sum();
      throw new OutOfMemoryError("backend 'vulkan': " + device.facts().name() + " has no " + mebibytes(needed)
          + " MiB left beside the " + mebibytes(used) + " MiB in use here; its memory is " + mebibytes(device.largestHeap())
          + " MiB, of which " + mebibytes(largest) + " MiB go into one allocation; let the CPU run a part of the "
          + "model (--option vulkan.layers=N), or use another --backend");
    }
  }

  private static long mebibytes(long bytes) {
    return (bytes + (1 << 20) - 1) >> 20;
  }

  private Block create(long bytes) {
    Block block = new Block(bytes);
    try (MemoryStack stack = stackPush()) {
      LongBuffer out = stack.mallocLong(1);
      VkBufferCreateInfo buffer = VkBufferCreateInfo.calloc(stack).sType$Default().size(bytes)
          .sharingMode(VK_SHARING_MODE_EXCLUSIVE).usage(VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT
              | VK_BUFFER_USAGE_TRANSFER_DST_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT);
      device.check("vkCreateBuffer", () -> vkCreateBuffer(device.handle(), buffer, null, out));
      block.buffer = out.get(0);
      block.memory = bind(stack, device, block.buffer, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0, true);
      block.address = vkGetBufferDeviceAddress(device.handle(),
          VkBufferDeviceAddressInfo.calloc(stack).sType$Default().buffer(block.buffer));
    } catch (RuntimeException | Error e) {
      destroy(block);
      throw e;
    }
    return block;
  }

  /** Allocates memory for a buffer, and binds it. */
  static long bind(MemoryStack stack, Device device, long buffer, int needed, int preferred, boolean addressed) {
    VkMemoryRequirements requirements = VkMemoryRequirements.malloc(stack);
    vkGetBufferMemoryRequirements(device.handle(), buffer, requirements);
    VkMemoryAllocateInfo allocate = VkMemoryAllocateInfo.calloc(stack).sType$Default().allocationSize(requirements.size())
        .memoryTypeIndex(device.memoryType(requirements.memoryTypeBits(), needed, preferred));
    if (addressed) {
      allocate.pNext(VkMemoryAllocateFlagsInfo.calloc(stack).sType$Default().flags(VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT));
    }
    LongBuffer out = stack.mallocLong(1);
    device.check("vkAllocateMemory", () -> vkAllocateMemory(device.handle(), allocate, null, out));
    long memory = out.get(0);
    try {
      device.check("vkBindBufferMemory", () -> vkBindBufferMemory(device.handle(), buffer, memory, 0));
    } catch (RuntimeException | Error e) {
      vkFreeMemory(device.handle(), memory, null);
      throw e;
    }
    return memory;
  }

  /** The address at which the host sees memory. */
  static long map(MemoryStack stack, Device device, long memory) {
    PointerBuffer pointer = stack.mallocPointer(1);
    device.check("vkMapMemory", () -> vkMapMemory(device.handle(), memory, 0, VK_WHOLE_SIZE, 0, pointer));
    return pointer.get(0);
  }

  private void destroy(Block block) {
    vkDestroyBuffer(device.handle(), block.buffer, null);
    vkFreeMemory(device.handle(), block.memory, null);
  }

  @Override
  public void close() {
    owned.clear();
    blocks.forEach(this::destroy);
    blocks.clear();
  }
}
