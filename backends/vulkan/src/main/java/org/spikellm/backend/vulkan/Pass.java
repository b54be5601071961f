package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;

import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.VkBufferCopy;
import org.lwjgl.vulkan.VkCommandBuffer;
import org.lwjgl.vulkan.VkMemoryBarrier;

/** A command buffer in which kernels wait for each other only where they are told to. */
final class Pass implements Recorder {

  /** Workgroups of a dimension. */
  private static final int MOST_GROUPS = 65_535;

  private final VkCommandBuffer commands;

  Pass(VkCommandBuffer commands) {
    this.commands = commands;
  }

  /** Workgroups for so many; what is over is done in turns. */
  static int groups(long count) {
    return Math.clamp(count, 1, MOST_GROUPS);
  }

  @Override
  public void dispatch(Kernel kernel, Arguments arguments, int x, int y) {
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline());
    vkCmdPushConstants(commands, kernel.layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, arguments.bytes());
    vkCmdDispatch(commands, x, y, 1);
  }

  /** Copies between buffers. */
  void copy(long from, long fromOffset, long to, long toOffset, long bytes) {
    try (MemoryStack stack = stackPush()) {
      vkCmdCopyBuffer(commands, from, to, VkBufferCopy.calloc(1, stack).srcOffset(fromOffset).dstOffset(toOffset).size(bytes));
    }
  }

  /** Fills a range with equal words. */
  void fill(DeviceMemory.Range range, int word) {
    vkCmdFillBuffer(commands, range.buffer(), range.offset(), range.bytes(), word);
  }

  @Override
  public boolean isRunOften() {
    return true;
  }

  /** What follows, on the host too, sees what was written so far. */
  @Override
  public void then() {
    int stages = VK_PIPELINE_STAGE_TRANSFER_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
    try (MemoryStack stack = stackPush()) {
      VkMemoryBarrier.Buffer barrier = VkMemoryBarrier.calloc(1, stack).sType$Default()
          .srcAccessMask(VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_SHADER_WRITE_BIT)
          .dstAccessMask(VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_SHADER_READ_BIT
              | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT);
      vkCmdPipelineBarrier(commands, stages, stages | VK_PIPELINE_STAGE_HOST_BIT, 0, barrier, null, null);
    }
  }
}
