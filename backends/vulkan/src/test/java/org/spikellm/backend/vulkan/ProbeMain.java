package org.spikellm.backend.vulkan;

import org.spikellm.api.Availability;

/** Prints what the probe answers, for {@link ProbeTest}. */
public final class ProbeMain {

  private ProbeMain() {}

  /** Asks once. */
  public static void main(String[] args) {
    System.out.print(switch (new VulkanBackend().probe()) {
      case Availability.Available(String device, int speed) -> "available: " + device + ", " + speed;
      case Availability.Unavailable(String reason) -> "unavailable: " + reason;
    });
  }
}
