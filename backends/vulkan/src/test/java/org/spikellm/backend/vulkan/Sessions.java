package org.spikellm.backend.vulkan;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.spikellm.api.Availability;
import org.spikellm.api.Session;

/** The backend as tests use it: watched by the validation layers where those are installed. */
final class Sessions {

  private Sessions() {}

  static VulkanBackend backend(Map<String, String> options) {
    boolean validation = Loader.problem() == null && Instance.canValidate();
    Map<String, String> all = new HashMap<>(options);
    all.put("validation", Boolean.toString(validation));
    return new VulkanBackend().configure(all);
  }

  /** Skips the test where there is no device, or fails it where one is required. */
  static void need() {
    if (backend(Map.of()).probe() instanceof Availability.Unavailable unavailable) {
      skip(unavailable.reason());
    }
  }

  /** Skips the test for a reason, or fails it where the backend is required. */
  static void skip(String reason) {
    if (Arrays.asList(System.getProperty("tck.require", "").split(",")).contains("vulkan")) {
      Assertions.fail(reason + " (tck.require names vulkan)");
    }
    Assumptions.abort(reason);
  }

  static Session open(Map<String, String> options) {
    need();
    return backend(options).open(2);
  }
}
