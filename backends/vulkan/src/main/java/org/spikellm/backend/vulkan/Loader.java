package org.spikellm.backend.vulkan;

import java.io.OutputStream;
import java.io.PrintStream;
import org.lwjgl.system.Configuration;
import org.lwjgl.vulkan.VK;

/** The Vulkan loader of this machine, opened once: LWJGL holds it for the whole JVM. */
final class Loader {

  private Loader() {}

  /** Why it cannot be used, in one line; null where it can. */
  static String problem() {
    return Opened.PROBLEM;
  }

  private static final class Opened {

    static final String PROBLEM = open();

    private static String open() {
      // What is missing is said by the probe; LWJGL would print a page about it.
      Configuration.DEBUG_STREAM.set(new PrintStream(OutputStream.nullOutputStream()));
      Configuration.VULKAN_EXPLICIT_INIT.set(true);
      try {
        VK.create();
        return null;
      } catch (UnsatisfiedLinkError e) {
        return "there is no Vulkan loader (" + firstLine(e) + "); install libvulkan1 (Debian, Ubuntu) or vulkan-loader (Fedora) "
            + "and the driver of your GPU, or use backend 'simd'";
      } catch (LinkageError | RuntimeException e) {
        return "LWJGL cannot be loaded: " + firstLine(e) + "; use backend 'simd'";
      }
    }

    private static String firstLine(Throwable e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      return String.valueOf(cause.getMessage()).lines().findFirst().orElse(cause.toString()).strip();
    }
  }
}
