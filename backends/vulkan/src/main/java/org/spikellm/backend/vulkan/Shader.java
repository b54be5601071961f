package org.spikellm.backend.vulkan;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Locale;
import org.lwjgl.system.MemoryUtil;

/** The kernels; each is a file of GLSL, compiled to SPIR-V by the build. */
enum Shader {
  MATMUL, MATVEC, LINEAR_FLOATS, LINEAR_SPIKES(true);

  /** Whether there is a second form that uses products of bytes. */
  private final boolean hasDot;

  Shader() {
    this(false);
  }

  Shader(boolean hasDot) {
    this.hasDot = hasDot;
  }

  /** Whether the build had a compiler for them. */
  static boolean inThisBuild() {
    return Shader.class.getResource(MATMUL.resource(false)) != null;
  }

  private String resource(boolean integerDot) {
    return name().toLowerCase(Locale.ROOT) + (hasDot && integerDot ? ".dot.spv" : ".spv");
  }

  /** SPIR-V in memory that the caller frees. */
  ByteBuffer code(boolean integerDot) {
    try (InputStream in = Shader.class.getResourceAsStream(resource(integerDot))) {
      if (in == null) {
        throw new IllegalStateException("backend 'vulkan': " + resource(integerDot) + " is not in this build; build again from scratch");
      }
      byte[] bytes = in.readAllBytes();
      return MemoryUtil.memAlloc(bytes.length).order(ByteOrder.nativeOrder()).put(bytes).flip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
