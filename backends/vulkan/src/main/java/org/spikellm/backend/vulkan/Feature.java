package org.spikellm.backend.vulkan;

import java.util.Locale;

/** What a device may lack: shaders use it where it is there, and there is an option not to. */
enum Feature {

  /** Products of four signed bytes (VK_KHR_shader_integer_dot_product). */
  INTEGER_DOT,
  /** Sums over the threads of a subgroup. */
  SUBGROUPS,
  /** Numbers of 16 bits in memory (storageBuffer16BitAccess, shaderInt16). */
  SHORTS;

  /** The macro under which shaders use it. */
  String macro() {
    return name();
  }

  /** Its option, and what its form of a shader is called. */
  String option() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
