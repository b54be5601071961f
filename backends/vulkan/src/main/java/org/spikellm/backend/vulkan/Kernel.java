package org.spikellm.backend.vulkan;

/**
 * A shader with its constants, ready to run.
 *
 * @param pipeline VkPipeline
 * @param layout VkPipelineLayout, one for all
 */
record Kernel(long pipeline, long layout) {}
