package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;

import java.lang.foreign.MemorySegment;
import java.nio.LongBuffer;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;
import org.lwjgl.vulkan.VkBufferCreateInfo;
import org.lwjgl.vulkan.VkCommandBuffer;
import org.lwjgl.vulkan.VkCommandBufferAllocateInfo;
import org.lwjgl.vulkan.VkCommandBufferBeginInfo;
import org.lwjgl.vulkan.VkFenceCreateInfo;
import org.lwjgl.vulkan.VkSubmitInfo;

/**
 * One of the turns of {@link Commands}: a command buffer, memory that host and device see, and the fence that says when both are
 * free.
 */
final class Slot implements AutoCloseable {

  private final Device device;
  private final long pool;
  private final VkCommandBuffer commands;
  private final Pass pass;
  private final long bytes;
  private final long buffer;
  private long memory = VK_NULL_HANDLE;
  private MemorySegment mapped;
  private long fence = VK_NULL_HANDLE;
  private boolean submitted;
  private long used;

  Slot(Device device, long pool, long bytes) {
    this.device = device;
    this.pool = pool;
    this.bytes = bytes;
    try (MemoryStack stack = stackPush()) {
      PointerBuffer pointer = stack.mallocPointer(1);
      var allocate = VkCommandBufferAllocateInfo.calloc(stack).sType$Default().commandPool(pool)
          .level(VK_COMMAND_BUFFER_LEVEL_PRIMARY).commandBufferCount(1);
      device.check("vkAllocateCommandBuffers", () -> vkAllocateCommandBuffers(device.handle(), allocate, pointer));
      commands = new VkCommandBuffer(pointer.get(0), device.handle());
      pass = new Pass(commands);
      LongBuffer out = stack.mallocLong(1);
      var create = VkBufferCreateInfo.calloc(stack).sType$Default().size(bytes).sharingMode(VK_SHARING_MODE_EXCLUSIVE)
          .usage(VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT);
      device.check("vkCreateBuffer", () -> vkCreateBuffer(device.handle(), create, null, out));
      buffer = out.get(0);
      try {
        int seen = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
        memory = DeviceMemory.bind(stack, device, buffer, seen, VK_MEMORY_PROPERTY_HOST_CACHED_BIT, false);
        long address = DeviceMemory.map(stack, device, memory);
        mapped = MemorySegment.ofBuffer(MemoryUtil.memByteBuffer(address, Math.toIntExact(bytes)));
        var unsignaled = VkFenceCreateInfo.calloc(stack).sType$Default();
        device.check("vkCreateFence", () -> vkCreateFence(device.handle(), unsignaled, null, out));
        fence = out.get(0);
      } catch (RuntimeException | Error e) {
        close();
        throw e;
      }
    }
  }

  /** Where commands are recorded. */
  Pass pass() {
    return pass;
  }

  long buffer() {
    return buffer;
  }

  MemorySegment mapped() {
    return mapped;
  }

  /** How many bytes of its memory are free. */
  long free() {
    return bytes - used;
  }

  /** Takes memory that is free. */
  long take(long size) {
    long at = used;
    used = Math.min(bytes, (used + size + 15) & -16L);
    return at;
  }

  /** Waits until the device has done what it was given, and begins anew, with commands for one submission or for many. */
  void begin(boolean once) {
    await();
    used = 0;
    try (MemoryStack stack = stackPush()) {
      var begin = VkCommandBufferBeginInfo.calloc(stack).sType$Default()
          .flags(once ? VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT : 0);
      device.check("vkBeginCommandBuffer", () -> vkBeginCommandBuffer(commands, begin));
    }
  }

  /** Ends a recording that is not to be submitted; what fails is said when the next one begins. */
  void forget() {
    vkEndCommandBuffer(commands);
  }

  /** Nothing more is recorded. */
  void end() {
    device.check("vkEndCommandBuffer", () -> vkEndCommandBuffer(commands));
  }

  /** Gives the device what was recorded. */
  void submit() {
    try (MemoryStack stack = stackPush()) {
      device.countSubmission();
      device.check("vkQueueSubmit", () -> vkQueueSubmit(device.queue(),
          VkSubmitInfo.calloc(stack).sType$Default().pCommandBuffers(stack.pointers(commands)), fence));
      submitted = true;
    }
  }

  /** Waits until the device has done what it was given. */
  void await() {
    if (submitted) {
      device.check("vkWaitForFences", () -> vkWaitForFences(device.handle(), fence, true, -1));
      device.check("vkResetFences", () -> vkResetFences(device.handle(), fence));
      submitted = false;
    }
  }

  @Override
  public void close() {
    vkFreeCommandBuffers(device.handle(), pool, commands);
    vkDestroyFence(device.handle(), fence, null);
    vkDestroyBuffer(device.handle(), buffer, null);
    vkFreeMemory(device.handle(), memory, null);
  }
}
