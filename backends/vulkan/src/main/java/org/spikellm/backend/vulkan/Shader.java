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
  MATMUL, MATVEC, LINEAR_FLOATS(false, true), LINEAR_SPIKES(true, true), LINEAR_TILE(true, false), RMS_NORM, ROPE, SOFTMAX,
  SWI_GLU, ENCODE, GATHER, APPEND, ATTENTION;

  /** Which forms there are beside the plain one: with products of bytes, with subgroups. */
  private final boolean hasDot;
  private final boolean hasSubgroups;

  Shader() {
    this(false, false);
  }

  Shader(boolean hasDot, boolean hasSubgroups) {
    this.hasDot = hasDot;
    this.hasSubgroups = hasSubgroups;
  }

  /** Whether the build had a compiler for them. */
  static boolean inThisBuild() {
    return Shader.class.getResource(MATMUL.resource(false, false)) != null;
  }

  private String resource(boolean integerDot, boolean subgroups) {
    return name().toLowerCase(Locale.ROOT) + (hasDot && integerDot ? ".integer_dot" : "")
        + (hasSubgroups && subgroups ? ".subgroups" : "") + ".spv";
  }

  /** SPIR-V in memory that the caller frees. */
  ByteBuffer code(boolean integerDot, boolean subgroups) {
    String resource = resource(integerDot, subgroups);
    try (InputStream in = Shader.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("backend 'vulkan': " + resource + " is not in this build; build again from scratch");
      }
      byte[] bytes = in.readAllBytes();
      return MemoryUtil.memAlloc(bytes.length).order(ByteOrder.nativeOrder()).put(bytes).flip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
