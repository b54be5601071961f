package org.spikellm.backend.vulkan;

import static org.lwjgl.system.MemoryStack.stackPush;
import static org.lwjgl.vulkan.VK10.*;
import static org.lwjgl.vulkan.VK11.vkGetPhysicalDeviceProperties2;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntSupplier;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.vulkan.KHRShaderIntegerDotProduct;
import org.lwjgl.vulkan.VkDevice;
import org.lwjgl.vulkan.VkDeviceCreateInfo;
import org.lwjgl.vulkan.VkDeviceQueueCreateInfo;
import org.lwjgl.vulkan.VkPhysicalDevice;
import org.lwjgl.vulkan.VkPhysicalDeviceFeatures;
import org.lwjgl.vulkan.VkPhysicalDeviceMaintenance3Properties;
import org.lwjgl.vulkan.VkPhysicalDeviceMemoryProperties;
import org.lwjgl.vulkan.VkPhysicalDeviceProperties2;
import org.lwjgl.vulkan.VkPhysicalDeviceShaderIntegerDotProductFeatures;
import org.lwjgl.vulkan.VkPhysicalDeviceVulkan11Features;
import org.lwjgl.vulkan.VkPhysicalDeviceVulkan12Features;
import org.lwjgl.vulkan.VkQueue;

/** An open device with one queue. */
final class Device implements AutoCloseable {

  private final Instance instance;
  private final VkPhysicalDevice physical;
  private final DeviceFacts facts;
  private final Set<Feature> features;
  private final List<MatrixTile.Size> tileSizes;
  private final VkDevice handle;
  private final VkQueue queue;
  private final VkPhysicalDeviceMemoryProperties memory;
  private final Faults faults;
  private long submissions;
  /** Whether kernels are chosen for a GPU: many threads, and as much code as they like. */
  private boolean tunedForGpu;
  /** What was said when it was lost; null as long as it is there. */
  private VulkanFailure lost;

  /** Fails calls in tests. */
  @FunctionalInterface
  interface Faults {

    /** What {@code call} answers in place of being made, or VK_SUCCESS. */
    int of(String call);
  }

  /**
   * Opens the device that {@link Choice} finds; there must be one.
   *
   * @param validation whether what the validation layers report is a failure
   * @param wanted which device
   * @param mayUse what is used where the device has it
   */
  Device(boolean validation, String wanted, Set<Feature> mayUse) {
    this(validation, wanted, mayUse, MatrixTile.Size.ALL, call -> VK_SUCCESS);
  }

  /** As above, with calls that fail. */
  Device(boolean validation, String wanted, Set<Feature> mayUse, Faults faults) {
    this(validation, wanted, mayUse, MatrixTile.Size.ALL, faults);
  }

  /** As above; matrices are multiplied by tiles of {@code tileSizes}, where the device does so; without any they are not. */
  Device(boolean validation, String wanted, Set<Feature> mayUse, List<MatrixTile.Size> tileSizes, Faults faults) {
    this.faults = faults;
    this.tileSizes = tileSizes;
    instance = new Instance(validation);
    try (MemoryStack stack = stackPush()) {
      List<VkPhysicalDevice> all = instance.devices();
      Choice choice = Choice.of(all.stream().map(DeviceFacts::of).toList(), wanted);
      if (choice.reason() != null) {
        throw new IllegalStateException("backend 'vulkan': " + choice.reason());
      }
      physical = all.get(choice.index());
      facts = DeviceFacts.of(physical);
      tunedForGpu = !facts.isSoftware();
      features = EnumSet.copyOf(facts.features());
      features.retainAll(mayUse);
      handle = open(stack);
      PointerBuffer pointer = stack.mallocPointer(1);
      vkGetDeviceQueue(handle, facts.computeFamily(), 0, pointer);
      queue = new VkQueue(pointer.get(0), handle);
      memory = VkPhysicalDeviceMemoryProperties.malloc();
      vkGetPhysicalDeviceMemoryProperties(physical, memory);
    } catch (RuntimeException | Error e) {
      instance.close();
      throw e;
    }
  }

  private VkDevice open(MemoryStack stack) {
    var queues = VkDeviceQueueCreateInfo.calloc(1, stack).sType$Default().queueFamilyIndex(facts.computeFamily())
        .pQueuePriorities(stack.floats(1));
    var twelve = VkPhysicalDeviceVulkan12Features.calloc(stack).sType$Default().bufferDeviceAddress(true);
    boolean shorts = features.contains(Feature.SHORTS);
    var eleven = VkPhysicalDeviceVulkan11Features.calloc(stack).sType$Default().storageBuffer16BitAccess(shorts);
    var create = VkDeviceCreateInfo.calloc(stack).sType$Default().pQueueCreateInfos(queues).pNext(twelve).pNext(eleven)
        .pEnabledFeatures(VkPhysicalDeviceFeatures.calloc(stack).shaderInt16(shorts));
    List<String> extensions = new ArrayList<>();
    if (features.contains(Feature.INTEGER_DOT)) {
      create.pNext(VkPhysicalDeviceShaderIntegerDotProductFeatures.calloc(stack).sType$Default().shaderIntegerDotProduct(true));
      extensions.add(KHRShaderIntegerDotProduct.VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
    }
    if (matrices() != null) {
      matrices().enable(create, twelve, stack);
      extensions.addAll(matrices().extensions());
    }
    if (!extensions.isEmpty()) {
      PointerBuffer names = stack.mallocPointer(extensions.size());
      extensions.forEach(name -> names.put(stack.UTF8(name)));
      create.ppEnabledExtensionNames(names.flip());
    }
    PointerBuffer pointer = stack.mallocPointer(1);
    VulkanFailure.check("vkCreateDevice", vkCreateDevice(physical, create, null, pointer));
    return new VkDevice(pointer.get(0), physical, create);
  }

  VkDevice handle() {
    return handle;
  }

  VkQueue queue() {
    return queue;
  }

  DeviceFacts facts() {
    return facts;
  }

  /** Whether kernels are chosen for a GPU, or for a CPU that acts as one. */
  boolean isTunedForGpu() {
    return tunedForGpu;
  }

  void tuneForGpu(boolean gpu) {
    tunedForGpu = gpu;
  }

  /** What shaders use of what a device may lack. */
  Set<Feature> features() {
    return features;
  }

  /** The matrices that it multiplies, or null where it does not. */
  Matrices matrices() {
    return tileSizes.isEmpty() ? null : facts.matrices();
  }

  /** The tile by which it multiplies so much with matrices; null where it does not. */
  MatrixTile tile(int rows, int tokens, int digits) {
    return matrices() == null ? null : MatrixTile.of(matrices(), tileSizes, rows, tokens, digits);
  }

  /** Makes a call, and passes where it succeeds. A device that was lost is not there for any other one. */
  void check(String call, IntSupplier body) {
    int fault = faults.of(call);
    try {
      VulkanFailure.check(call, fault == VK_SUCCESS ? body.getAsInt() : fault);
    } catch (VulkanFailure e) {
      if (e.result() == VK_ERROR_DEVICE_LOST) {
        lost = e;
      }
      throw e;
    }
  }

  /** Fails where the device was lost. */
  void checkThere() {
    if (lost != null) {
      throw new IllegalStateException(lost.getMessage(), lost);
    }
  }

  /** Waits until nothing runs; on a device that was lost nothing does. */
  void await() {
    vkDeviceWaitIdle(handle);
  }

  /** How often commands were given to it. */
  long submissions() {
    return submissions;
  }

  void countSubmission() {
    submissions++;
  }

  /** Fails with what the validation layers have said. */
  void checkMessages() {
    instance.checkMessages();
  }

  /** The most bytes of one allocation. */
  long largestAllocation() {
    try (MemoryStack stack = stackPush()) {
      var limits = VkPhysicalDeviceMaintenance3Properties.calloc(stack).sType$Default();
      vkGetPhysicalDeviceProperties2(physical, VkPhysicalDeviceProperties2.calloc(stack).sType$Default().pNext(limits));
      return Math.min(limits.maxMemoryAllocationSize() < 0 ? Long.MAX_VALUE : limits.maxMemoryAllocationSize(), largestHeap());
    }
  }

  /** Bytes of the largest part of its own memory. */
  long largestHeap() {
    long largest = 0;
    for (int heap = 0; heap < memory.memoryHeapCount(); heap++) {
      if ((memory.memoryHeaps(heap).flags() & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0) {
        largest = Math.max(largest, memory.memoryHeaps(heap).size());
      }
    }
    return largest;
  }

  /**
   * The first type of memory that {@code allowed} has the bit of and that has all {@code needed} properties; one that also has
   * the {@code preferred} ones goes before.
   */
  int memoryType(int allowed, int needed, int preferred) {
    for (int properties : new int[] {needed | preferred, needed}) {
      for (int type = 0; type < memory.memoryTypeCount(); type++) {
        if ((allowed >> type & 1) != 0 && (memory.memoryTypes(type).propertyFlags() & properties) == properties) {
          return type;
        }
      }
    }
    throw new IllegalStateException("backend 'vulkan': " + facts.name() + " has no memory of the properties " + needed);
  }

  @Override
  public void close() {
    vkDestroyDevice(handle, null);
    memory.free();
    try {
      instance.checkMessages();
    } finally {
      instance.close();
    }
  }
}
