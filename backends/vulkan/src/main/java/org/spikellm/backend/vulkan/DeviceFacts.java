package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;
import static org.lwjgl.vulkan.VK11.*;

import java.nio.IntBuffer;
import java.util.EnumSet;
import java.util.Set;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.KHRShaderIntegerDotProduct;
import org.lwjgl.vulkan.VkExtensionProperties;
import org.lwjgl.vulkan.VkPhysicalDevice;
import org.lwjgl.vulkan.VkPhysicalDeviceFeatures2;
import org.lwjgl.vulkan.VkPhysicalDeviceProperties;
import org.lwjgl.vulkan.VkPhysicalDeviceProperties2;
import org.lwjgl.vulkan.VkPhysicalDeviceShaderIntegerDotProductFeatures;
import org.lwjgl.vulkan.VkPhysicalDeviceSubgroupProperties;
import org.lwjgl.vulkan.VkPhysicalDeviceVulkan11Features;
import org.lwjgl.vulkan.VkPhysicalDeviceVulkan12Features;
import org.lwjgl.vulkan.VkQueueFamilyProperties;

/**
 * What decides whether a device can be used, and which of several is.
 *
 * @param name as its driver calls it
 * @param type VK_PHYSICAL_DEVICE_TYPE_…
 * @param version Vulkan's, as VK_MAKE_API_VERSION packs it
 * @param computeFamily the first family of queues that computes, or -1
 * @param addresses whether buffers have addresses (bufferDeviceAddress)
 * @param mostThreads of a workgroup
 * @param sharedBytes that its threads may share
 * @param features what it has of what it may lack
 * @param matrices of bytes that it multiplies, or null
 */
record DeviceFacts(String name, int type, int version, int computeFamily, boolean addresses, int mostThreads,
    int sharedBytes, Set<Feature> features, Matrices matrices) {

  private static final int MINOR_NEEDED = 2;

  static DeviceFacts of(VkPhysicalDevice device) {
    try (MemoryStack stack = stackPush()) {
      VkPhysicalDeviceProperties properties = VkPhysicalDeviceProperties.malloc(stack);
      vkGetPhysicalDeviceProperties(device, properties);
      int version = properties.apiVersion();
      boolean addresses = false;
      Set<Feature> had = EnumSet.noneOf(Feature.class);
      if (isEnough(version)) {
        boolean dotExtension = hasExtension(device, KHRShaderIntegerDotProduct.VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
        var dot = VkPhysicalDeviceShaderIntegerDotProductFeatures.calloc(stack).sType$Default();
        var twelve = VkPhysicalDeviceVulkan12Features.calloc(stack).sType$Default();
        var eleven = VkPhysicalDeviceVulkan11Features.calloc(stack).sType$Default();
        var features = VkPhysicalDeviceFeatures2.calloc(stack).sType$Default().pNext(twelve).pNext(eleven);
        if (dotExtension) {
          features.pNext(dot);
        }
        vkGetPhysicalDeviceFeatures2(device, features);
        addresses = twelve.bufferDeviceAddress();
        add(had, Feature.INTEGER_DOT, dotExtension && dot.shaderIntegerDotProduct());
        add(had, Feature.SUBGROUPS, sumsInSubgroups(device, stack));
        add(had, Feature.SHORTS, eleven.storageBuffer16BitAccess() && features.features().shaderInt16());
      }
      int mostThreads = Math.min(properties.limits().maxComputeWorkGroupInvocations(),
          properties.limits().maxComputeWorkGroupSize(0));
      return new DeviceFacts(properties.deviceNameString(), properties.deviceType(), version, computeFamily(device, stack),
          addresses, mostThreads, properties.limits().maxComputeSharedMemorySize(), had,
          isEnough(version) ? Matrices.of(device, extension -> hasExtension(device, extension)) : null);
    }
  }

  private static void add(Set<Feature> to, Feature feature, boolean has) {
    if (has) {
      to.add(feature);
    }
  }

  private static boolean isEnough(int version) {
    return VK_API_VERSION_MAJOR(version) > 1 || VK_API_VERSION_MINOR(version) >= MINOR_NEEDED;
  }

  private static boolean sumsInSubgroups(VkPhysicalDevice device, MemoryStack stack) {
    var subgroup = VkPhysicalDeviceSubgroupProperties.calloc(stack).sType$Default();
    vkGetPhysicalDeviceProperties2(device, VkPhysicalDeviceProperties2.calloc(stack).sType$Default().pNext(subgroup));
    int operations = VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_ARITHMETIC_BIT;
    return (subgroup.supportedOperations() & operations) == operations
        && (subgroup.supportedStages() & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
  }

  private static int computeFamily(VkPhysicalDevice device, MemoryStack stack) {
    IntBuffer count = stack.mallocInt(1);
    vkGetPhysicalDeviceQueueFamilyProperties(device, count, null);
    VkQueueFamilyProperties.Buffer families = VkQueueFamilyProperties.malloc(count.get(0), stack);
    vkGetPhysicalDeviceQueueFamilyProperties(device, count, families);
    for (int family = 0; family < families.capacity(); family++) {
      if ((families.get(family).queueFlags() & VK_QUEUE_COMPUTE_BIT) != 0) {
        return family;
      }
    }
    return -1;
  }

  private static boolean hasExtension(VkPhysicalDevice device, String name) {
    try (MemoryStack stack = stackPush()) {
      IntBuffer count = stack.mallocInt(1);
      vkEnumerateDeviceExtensionProperties(device, (String) null, count, null);
      VkExtensionProperties.Buffer extensions = VkExtensionProperties.malloc(count.get(0));
      try (extensions) {
        vkEnumerateDeviceExtensionProperties(device, (String) null, count, extensions);
        return extensions.stream().anyMatch(extension -> extension.extensionNameString().equals(name));
      }
    }
  }

  /** What it lacks, or null. */
  String lack() {
    if (!isEnough(version)) {
      return "has Vulkan " + inWords(version) + ", needed is 1." + MINOR_NEEDED;
    }
    if (computeFamily < 0) {
      return "has no queue that computes";
    }
    return addresses ? null : "has no addresses of buffers (bufferDeviceAddress)";
  }

  /** Whether it is a CPU that acts as a GPU. */
  boolean isSoftware() {
    return type == VK_PHYSICAL_DEVICE_TYPE_CPU;
  }

  /**
   * Rank among backends: below those of the CPU with vectors. A decoder stays on the device, but what pipelines multiply crosses
   * over to it and back, which has not been timed on a GPU; a CPU that acts as one is no faster than plain Java has to be.
   */
  int speed() {
    return switch (type) {
      case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU -> 90;
      case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU -> 80;
      case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU -> 70;
      default -> 0;
    };
  }

  /** The device in words. */
  String inWords() {
    return name + ", Vulkan " + inWords(version) + (matrices == null ? "" : ", matrices of " + matrices.inWords() + " bytes")
        + (isSoftware() ? ", a CPU that acts as a GPU" : "");
  }

  private static String inWords(int version) {
    return VK_API_VERSION_MAJOR(version) + "." + VK_API_VERSION_MINOR(version);
  }
}
