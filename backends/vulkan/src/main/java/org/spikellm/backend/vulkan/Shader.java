package org.spikellm.backend.vulkan;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.lwjgl.system.MemoryUtil;

/** The kernels; each is a file of GLSL, compiled to SPIR-V by the build. */
enum Shader {
  MATMUL(Feature.SHORTS), MATVEC(Feature.SHORTS), LINEAR_ANY(Feature.INTEGER_DOT, Feature.SHORTS),
  LINEAR_FEW(Feature.INTEGER_DOT, Feature.SHORTS),
  LINEAR_TILE(Feature.INTEGER_DOT, Feature.SHORTS), LINEAR_MATRIX(Feature.INTEGER_DOT, Feature.SHORTS),
  RMS_NORM(Feature.SUBGROUPS), ROPE, SOFTMAX(Feature.SUBGROUPS), SWI_GLU, ENCODE(Feature.SUBGROUPS), GATHER,
  APPEND(Feature.SUBGROUPS), ATTENTION, READ, FMA, DOT(Feature.INTEGER_DOT);

  /** With each of which there is a form beside the plain one. */
  private final List<Feature> used;

  Shader(Feature... used) {
    this.used = List.of(used);
  }

  /** Whether the build had a compiler for them. */
  static boolean inThisBuild() {
    return Shader.class.getResource(MATMUL.resource(Set.of())) != null;
  }

  private String resource(Set<Feature> features) {
    return name().toLowerCase(Locale.ROOT) + used.stream().filter(features::contains).map(feature -> "." + feature.macro()
        .toLowerCase(Locale.ROOT)).collect(Collectors.joining()) + ".spv";
  }

  /** SPIR-V that uses {@code features}, in memory that the caller frees. */
  ByteBuffer code(Set<Feature> features) {
    String resource = resource(features);
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
