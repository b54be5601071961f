package org.spikellm.backend.vulkan;

import static org.lwjgl.vulkan.VK10.*;

/** A call of Vulkan that failed, in one line. */
final class VulkanFailure extends IllegalStateException {

  private static final long serialVersionUID = 1;

  private final int result;

  VulkanFailure(String call, int result) {
    super("backend 'vulkan': " + call + ": " + inWords(result));
    this.result = result;
  }

  /** The VkResult. */
  int result() {
    return result;
  }

  /** Passes where {@code result} is VK_SUCCESS. */
  static void check(String call, int result) {
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_OUT_OF_DEVICE_MEMORY) {
      throw new OutOfMemoryError("backend 'vulkan': " + call + ": " + inWords(result));
    }
    if (result != VK_SUCCESS) {
      throw new VulkanFailure(call, result);
    }
  }

  private static String inWords(int result) {
    return switch (result) {
      case VK_ERROR_DEVICE_LOST -> "the device was lost: its driver reset it, or it was removed; run again, and with another "
          + "backend if that repeats";
      case VK_ERROR_OUT_OF_DEVICE_MEMORY -> "no device memory left";
      case VK_ERROR_OUT_OF_HOST_MEMORY -> "no memory left";
      case VK_ERROR_INITIALIZATION_FAILED -> "the driver could not be started";
      case VK_ERROR_INCOMPATIBLE_DRIVER -> "no driver";
      case VK_ERROR_LAYER_NOT_PRESENT -> "a layer is not installed";
      default -> "VkResult " + result;
    };
  }
}
