package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.KHRCooperativeMatrix.*;
import static org.lwjgl.vulkan.VK10.*;
import static org.lwjgl.vulkan.VK11.vkGetPhysicalDeviceFeatures2;
import static org.lwjgl.vulkan.VK11.vkGetPhysicalDeviceProperties2;

import java.nio.IntBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.EXTSubgroupSizeControl;
import org.lwjgl.vulkan.KHRCooperativeMatrix;
import org.lwjgl.vulkan.VkCooperativeMatrixPropertiesKHR;
import org.lwjgl.vulkan.VkDeviceCreateInfo;
import org.lwjgl.vulkan.VkPhysicalDevice;
import org.lwjgl.vulkan.VkPhysicalDeviceCooperativeMatrixFeaturesKHR;
import org.lwjgl.vulkan.VkPhysicalDeviceCooperativeMatrixPropertiesKHR;
import org.lwjgl.vulkan.VkPhysicalDeviceFeatures2;
import org.lwjgl.vulkan.VkPhysicalDeviceProperties2;
import org.lwjgl.vulkan.VkPhysicalDeviceSubgroupProperties;
import org.lwjgl.vulkan.VkPhysicalDeviceSubgroupSizeControlFeatures;
import org.lwjgl.vulkan.VkPhysicalDeviceSubgroupSizeControlProperties;
import org.lwjgl.vulkan.VkPhysicalDeviceVulkan12Features;
import org.lwjgl.vulkan.VkPipelineShaderStageCreateInfo;
import org.lwjgl.vulkan.VkPipelineShaderStageRequiredSubgroupSizeCreateInfo;

/**
 * The matrices of signed bytes that a device's subgroups multiply and add up in 32 bits: m x k by k x n.
 *
 * @param subgroup threads of a subgroup
 * @param mostThreads of a workgroup
 * @param sharedBytes that a workgroup has at most
 */
record Matrices(int m, int n, int k, int subgroup, int mostThreads, int sharedBytes) {

  /** Rows and tokens of the smallest tile, which must be whole matrices. */
  private static final int LEAST_TILE = 32;
  /** Columns that linear_matrix.comp brings at a time, and what a matrix begins at a multiple of. */
  private static final int STEP = 64;
  private static final int LEAST_COLUMNS = 8;
  private static final List<String> EXTENSIONS = List.of(KHRCooperativeMatrix.VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME,
      EXTSubgroupSizeControl.VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);

  /**
   * The largest that linear_matrix.comp can use, or null.
   *
   * @param has whether the device has an extension
   */
  static Matrices of(VkPhysicalDevice device, Predicate<String> has) {
    if (!EXTENSIONS.stream().allMatch(has)) {
      return null;
    }
    try (MemoryStack stack = stackPush()) {
      var sizeFeatures = VkPhysicalDeviceSubgroupSizeControlFeatures.calloc(stack).sType$Default();
      var features = VkPhysicalDeviceCooperativeMatrixFeaturesKHR.calloc(stack).sType$Default();
      var twelve = VkPhysicalDeviceVulkan12Features.calloc(stack).sType$Default();
      var allFeatures = VkPhysicalDeviceFeatures2.calloc(stack).sType$Default().pNext(features).pNext(twelve).pNext(sizeFeatures);
      var sizeLimits = VkPhysicalDeviceSubgroupSizeControlProperties.calloc(stack).sType$Default();
      var stages = VkPhysicalDeviceCooperativeMatrixPropertiesKHR.calloc(stack).sType$Default();
      var subgroup = VkPhysicalDeviceSubgroupProperties.calloc(stack).sType$Default();
      var properties = VkPhysicalDeviceProperties2.calloc(stack).sType$Default().pNext(stages).pNext(subgroup).pNext(sizeLimits);
      vkGetPhysicalDeviceFeatures2(device, allFeatures);
      vkGetPhysicalDeviceProperties2(device, properties);
      int threads = subgroup.subgroupSize();
      // Kernels are written for full subgroups of a size that they ask for.
      if (!features.cooperativeMatrix() || !twelve.vulkanMemoryModel() || !twelve.shaderInt8()
          || (stages.cooperativeMatrixSupportedStages() & VK_SHADER_STAGE_COMPUTE_BIT) == 0
          || !sizeFeatures.subgroupSizeControl() || !sizeFeatures.computeFullSubgroups()
          || (sizeLimits.requiredSubgroupSizeStages() & VK_SHADER_STAGE_COMPUTE_BIT) == 0
          || threads < sizeLimits.minSubgroupSize() || threads > sizeLimits.maxSubgroupSize()) {
        return null;
      }
      var limits = properties.properties().limits();
      return all(device).stream()
          .map(shape -> new Matrices(shape[0], shape[1], shape[2], threads, limits.maxComputeWorkGroupInvocations(),
              limits.maxComputeSharedMemorySize()))
          .filter(Matrices::canBeUsed).max(Comparator.comparingInt(shape -> shape.m * shape.n * shape.k)).orElse(null);
    }
  }

  /** M, N, K of what multiplies signed bytes. */
  private static List<int[]> all(VkPhysicalDevice device) {
    try (MemoryStack stack = stackPush()) {
      IntBuffer count = stack.mallocInt(1);
      VulkanFailure.check("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR",
          vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, count, null));
      try (var shapes = VkCooperativeMatrixPropertiesKHR.calloc(count.get(0))) {
        shapes.forEach(VkCooperativeMatrixPropertiesKHR::sType$Default);
        VulkanFailure.check("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR",
            vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR(device, count, shapes));
        return shapes.stream()
            .filter(shape -> shape.AType() == VK_COMPONENT_TYPE_SINT8_KHR && shape.BType() == VK_COMPONENT_TYPE_SINT8_KHR
                && shape.CType() == VK_COMPONENT_TYPE_SINT32_KHR && shape.ResultType() == VK_COMPONENT_TYPE_SINT32_KHR
                && shape.scope() == VK_SCOPE_SUBGROUP_KHR && !shape.saturatingAccumulation())
            .map(shape -> new int[] {shape.MSize(), shape.NSize(), shape.KSize()}).toList();
      }
    }
  }

  private boolean canBeUsed() {
    return LEAST_TILE % m == 0 && LEAST_TILE % n == 0 && STEP % k == 0 && k % LEAST_COLUMNS == 0
        && subgroup % m == 0 && m * n % subgroup == 0;
  }

  /** Names of extensions to be enabled. */
  List<String> extensions() {
    return EXTENSIONS;
  }

  /** Adds the features that kernels need. */
  void enable(VkDeviceCreateInfo create, VkPhysicalDeviceVulkan12Features twelve, MemoryStack stack) {
    twelve.vulkanMemoryModel(true).shaderInt8(true);
    create.pNext(VkPhysicalDeviceCooperativeMatrixFeaturesKHR.calloc(stack).sType$Default().cooperativeMatrix(true));
    create.pNext(VkPhysicalDeviceSubgroupSizeControlFeatures.calloc(stack).sType$Default().subgroupSizeControl(true)
        .computeFullSubgroups(true));
  }

  /** Lets a kernel have full subgroups of its size. */
  void require(VkPipelineShaderStageCreateInfo stage, MemoryStack stack) {
    stage.flags(EXTSubgroupSizeControl.VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT)
        .pNext(VkPipelineShaderStageRequiredSubgroupSizeCreateInfo.calloc(stack).sType$Default().requiredSubgroupSize(subgroup));
  }

  /** Its shape in words. */
  String inWords() {
    return m + " x " + n + " x " + k;
  }
}
