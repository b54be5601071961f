package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.EXTDebugUtils.*;
import static org.lwjgl.vulkan.VK10.*;

import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.VK12;
import org.lwjgl.vulkan.VkApplicationInfo;
import org.lwjgl.vulkan.VkDebugUtilsMessengerCallbackDataEXT;
import org.lwjgl.vulkan.VkDebugUtilsMessengerCallbackEXT;
import org.lwjgl.vulkan.VkDebugUtilsMessengerCreateInfoEXT;
import org.lwjgl.vulkan.VkInstance;
import org.lwjgl.vulkan.VkInstanceCreateInfo;
import org.lwjgl.vulkan.VkLayerProperties;
import org.lwjgl.vulkan.VkPhysicalDevice;

/** A connection to the drivers, with what the validation layers say about its use where they are asked for. */
final class Instance implements AutoCloseable {

  static final String VALIDATION = "VK_LAYER_KHRONOS_validation";

  private final VkInstance handle;
  private final ConcurrentLinkedQueue<String> messages = new ConcurrentLinkedQueue<>();
  private VkDebugUtilsMessengerCallbackEXT callback;
  private long messenger = VK_NULL_HANDLE;

  /**
   * Needs a {@link Loader} without problems.
   *
   * @param validation whether the validation layers listen, which must be installed
   */
  Instance(boolean validation) {
    try (MemoryStack stack = stackPush()) {
      VkApplicationInfo application = VkApplicationInfo.calloc(stack).sType$Default().apiVersion(VK12.VK_API_VERSION_1_2);
      VkInstanceCreateInfo create = VkInstanceCreateInfo.calloc(stack).sType$Default().pApplicationInfo(application);
      VkDebugUtilsMessengerCreateInfoEXT debug = VkDebugUtilsMessengerCreateInfoEXT.calloc(stack).sType$Default()
          .messageSeverity(VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT)
          .messageType(VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT);
      if (validation) {
        callback = VkDebugUtilsMessengerCallbackEXT.create((severity, type, data, user) -> {
          messages.add(VkDebugUtilsMessengerCallbackDataEXT.create(data).pMessageString());
          return VK_FALSE;
        });
        debug.pfnUserCallback(callback);
        create.pNext(debug).ppEnabledLayerNames(stack.pointers(stack.UTF8(VALIDATION)))
            .ppEnabledExtensionNames(stack.pointers(stack.UTF8(VK_EXT_DEBUG_UTILS_EXTENSION_NAME)));
      }
      PointerBuffer pointer = stack.mallocPointer(1);
      int result = vkCreateInstance(create, null, pointer);
      if (result != VK_SUCCESS) {
        freeCallback();
      }
      VulkanFailure.check("vkCreateInstance", result);
      handle = new VkInstance(pointer.get(0), create);
      if (validation) {
        var out = stack.mallocLong(1);
        VulkanFailure.check("vkCreateDebugUtilsMessengerEXT", vkCreateDebugUtilsMessengerEXT(handle, debug, null, out));
        messenger = out.get(0);
      }
    }
  }

  /** Whether the validation layers are installed. */
  static boolean canValidate() {
    try (MemoryStack stack = stackPush()) {
      IntBuffer count = stack.mallocInt(1);
      vkEnumerateInstanceLayerProperties(count, null);
      VkLayerProperties.Buffer layers = VkLayerProperties.malloc(count.get(0));
      try (layers) {
        vkEnumerateInstanceLayerProperties(count, layers);
        return layers.stream().anyMatch(layer -> layer.layerNameString().equals(VALIDATION));
      }
    }
  }

  List<VkPhysicalDevice> devices() {
    try (MemoryStack stack = stackPush()) {
      IntBuffer count = stack.mallocInt(1);
      VulkanFailure.check("vkEnumeratePhysicalDevices", vkEnumeratePhysicalDevices(handle, count, null));
      PointerBuffer pointers = stack.mallocPointer(count.get(0));
      VulkanFailure.check("vkEnumeratePhysicalDevices", vkEnumeratePhysicalDevices(handle, count, pointers));
      List<VkPhysicalDevice> devices = new ArrayList<>();
      for (int i = 0; i < count.get(0); i++) {
        devices.add(new VkPhysicalDevice(pointers.get(i), handle));
      }
      return devices;
    }
  }

  /** Fails with what the validation layers have said since it was last called. */
  void checkMessages() {
    if (!messages.isEmpty()) {
      String all = String.join("; ", messages);
      messages.clear();
      throw new IllegalStateException("backend 'vulkan': the validation layers report: " + all);
    }
  }

  @Override
  public void close() {
    if (messenger != VK_NULL_HANDLE) {
      vkDestroyDebugUtilsMessengerEXT(handle, messenger, null);
    }
    vkDestroyInstance(handle, null);
    freeCallback();
  }

  private void freeCallback() {
    if (callback != null) {
      callback.free();
      callback = null;
    }
  }
}
