/** Compute shaders on a GPU, through Vulkan. */
module org.spikellm.backend.vulkan {
  requires org.spikellm.api;
  requires org.lwjgl;
  requires org.lwjgl.natives;
  requires org.lwjgl.vulkan;

  provides org.spikellm.api.ComputeBackend with
      org.spikellm.backend.vulkan.VulkanBackend;
}
