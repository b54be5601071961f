package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;

import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;
import org.lwjgl.vulkan.VkComputePipelineCreateInfo;
import org.lwjgl.vulkan.VkPipelineLayoutCreateInfo;
import org.lwjgl.vulkan.VkPipelineShaderStageCreateInfo;
import org.lwjgl.vulkan.VkPushConstantRange;
import org.lwjgl.vulkan.VkShaderModuleCreateInfo;
import org.lwjgl.vulkan.VkSpecializationInfo;
import org.lwjgl.vulkan.VkSpecializationMapEntry;

/** The kernels of a device, made when they are first asked for: a shader is compiled once for each set of its constants. */
final class Kernels implements AutoCloseable {

  private record Key(Shader shader, int threads, List<Integer> constants) {}

  /** Of the constant that says how many threads a workgroup has, where a shader leaves that open. */
  private static final int THREADS_ID = 20;
  private static final int FEW_THREADS = 64;
  private static final int MOST_THREADS = 1024;
  private static final int ITEMS = 4;
  /** What threads that share a row have in memory for each of them (rows.glsl), and for all (encode.comp) at most. */
  private static final int THREAD_BYTES = 16;
  private static final int GROUP_BYTES = 2048;
  private static final int PART_ITEMS = 256;
  private static final int BUSY_GROUPS = 64;
  /** Positions of attention's tiles; how much memory threads share for each slice, and for 64 channels of a head. */
  private static final int TILE = 64;
  private static final int SLICE_BYTES = 3616;
  private static final int CHANNEL_BYTES = 1280;
  private static final int MOST_SLICES = 8;
  /** Words that attention reads at once: a GPU waits long for each. */
  private static final int MANY_AHEAD = 32;
  private static final int FEW_AHEAD = 4;
  private static final int MANY_GROUPS = 1024;

  private final Device device;
  private final long layout;
  private final Map<Shader, Long> modules = new EnumMap<>(Shader.class);
  private final Map<Key, Kernel> kernels = new HashMap<>();

  Kernels(Device device) {
    this.device = device;
    try (MemoryStack stack = stackPush()) {
      LongBuffer out = stack.mallocLong(1);
      VkPushConstantRange.Buffer range = VkPushConstantRange.calloc(1, stack).stageFlags(VK_SHADER_STAGE_COMPUTE_BIT)
          .size(Arguments.BYTES);
      device.check("vkCreatePipelineLayout", () -> vkCreatePipelineLayout(device.handle(),
          VkPipelineLayoutCreateInfo.calloc(stack).sType$Default().pPushConstantRanges(range), null, out));
      layout = out.get(0);
    }
  }

  /** The kernel of a shader whose constant_id 0, 1, … are {@code constants}; booleans are 0 or 1. */
  Kernel get(Shader shader, Integer... constants) {
    return get(FEW_THREADS, shader, constants);
  }

  /** As above, with {@code threads} in a workgroup. */
  Kernel get(int threads, Shader shader, Integer... constants) {
    return kernels.computeIfAbsent(new Key(shader, threads, List.of(constants)), this::create);
  }

  /**
   * Threads of a workgroup that shares {@code items}: on a GPU four items to a thread, in so far as the device allows. They depend
   * on nothing else, so that a row's sums are the same alone and among others.
   */
  int threads(int items) {
    if (!device.isTunedForGpu()) {
      return FEW_THREADS;
    }
    int shared = Math.min(MOST_THREADS, (device.facts().sharedBytes() - GROUP_BYTES) / THREAD_BYTES);
    int most = Integer.highestOneBit(Math.min(shared, device.facts().mostThreads()));
    return Math.clamp(Integer.highestOneBit(Math.max(1, items / ITEMS)), Math.min(FEW_THREADS, most), most);
  }

  /** Workgroups that share a row of so many items, where rows are too few to make a GPU busy. */
  int parts(int rows, int items) {
    return !device.isTunedForGpu() ? 1 : Math.clamp(items / PART_ITEMS, 1, Math.max(1, BUSY_GROUPS / rows));
  }

  /**
   * Of attention.comp.
   *
   * @param type of what is cached
   * @param placed whether the position of the first token lies in memory
   * @param groups workgroups; where they are few, each has more threads, which changes no sum
   */
  Kernel attention(int type, int headDim, boolean placed, int groups) {
    int channels = (headDim + TILE - 1) / TILE;
    int slices = !device.isTunedForGpu() || groups >= MANY_GROUPS ? 1 : MOST_SLICES;
    while (slices > 1 && (slices * TILE > device.facts().mostThreads()
        || slices * SLICE_BYTES + channels * CHANNEL_BYTES > device.facts().sharedBytes())) {
      slices /= 2;
    }
    return get(slices * TILE, Shader.ATTENTION, type, channels, placed ? 1 : 0, device.isTunedForGpu() ? MANY_AHEAD : FEW_AHEAD);
  }

  private Kernel create(Key key) {
    try (MemoryStack stack = stackPush()) {
      int count = key.constants.size();
      VkSpecializationMapEntry.Buffer entries = VkSpecializationMapEntry.calloc(count + 1, stack);
      ByteBuffer values = stack.malloc(4 * count + 4);
      entries.get(count).constantID(THREADS_ID).offset(4 * count).size(4);
      values.putInt(4 * count, key.threads);
      for (int i = 0; i < count; i++) {
        entries.get(i).constantID(i).offset(4 * i).size(4);
        values.putInt(4 * i, key.constants.get(i));
      }
      VkSpecializationInfo specialization = VkSpecializationInfo.calloc(stack).pMapEntries(entries).pData(values);
      VkComputePipelineCreateInfo.Buffer create = VkComputePipelineCreateInfo.calloc(1, stack).sType$Default().layout(layout);
      create.stage(VkPipelineShaderStageCreateInfo.calloc(stack).sType$Default().stage(VK_SHADER_STAGE_COMPUTE_BIT)
          .module(module(key.shader)).pName(stack.UTF8("main")).pSpecializationInfo(specialization));
      String with = "";
      if (key.shader == Shader.LINEAR_MATRIX) {
        device.matrices().require(create.stage(), stack);
        with = " with matrices of " + device.matrices().inWords() + " (vulkan.matrices=off does without)";
      }
      String call = "vkCreateComputePipelines of " + key.shader + " " + key.constants + with;
      LongBuffer out = stack.mallocLong(1);
      device.check(call, () -> vkCreateComputePipelines(device.handle(), VK_NULL_HANDLE, create, null, out));
      return new Kernel(out.get(0), layout);
    }
  }

  private long module(Shader shader) {
    Long known = modules.get(shader);
    if (known != null) {
      return known;
    }
    ByteBuffer code = shader.code(device.features());
    try (MemoryStack stack = stackPush()) {
      LongBuffer out = stack.mallocLong(1);
      device.check("vkCreateShaderModule of " + shader, () -> vkCreateShaderModule(device.handle(),
          VkShaderModuleCreateInfo.calloc(stack).sType$Default().pCode(code), null, out));
      modules.put(shader, out.get(0));
      return out.get(0);
    } finally {
      MemoryUtil.memFree(code);
    }
  }

  @Override
  public void close() {
    kernels.values().forEach(kernel -> vkDestroyPipeline(device.handle(), kernel.pipeline(), null));
    modules.values().forEach(module -> vkDestroyShaderModule(device.handle(), module, null));
    vkDestroyPipelineLayout(device.handle(), layout, null);
  }
}
