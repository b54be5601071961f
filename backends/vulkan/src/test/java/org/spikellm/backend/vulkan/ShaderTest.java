package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.lwjgl.system.MemoryUtil;

/** What the build made of the shaders. */
class ShaderTest {

  private static final Path CODE = Path.of("target", "classes", "org", "spikellm", "backend", "vulkan");

  private static List<Path> files() throws IOException {
    if (!Shader.inThisBuild()) {
      Sessions.skip("there are no shaders in this build");
    }
    try (Stream<Path> files = Files.list(CODE)) {
      return files.filter(file -> file.toString().endsWith(".spv")).toList();
    }
  }

  @Test
  void everyShaderIsThere() throws IOException {
    assertFalse(files().isEmpty());
    for (Shader shader : Shader.values()) {
      for (int choice = 0; choice < 1 << Feature.values().length; choice++) {
        int chosen = choice;
        Set<Feature> features = Stream.of(Feature.values()).filter(feature -> (chosen >> feature.ordinal() & 1) != 0)
            .collect(Collectors.toSet());
        var code = shader.code(features);
        assertEquals(0x07230203, code.getInt(0), shader + " with " + features + " is SPIR-V");
        MemoryUtil.memFree(code);
      }
    }
  }

  /** What spirv-val says of a file, and that it is fine: nothing. */
  private static String validate(Path file) throws IOException, InterruptedException {
    Process process;
    try {
      process = new ProcessBuilder("spirv-val", "--target-env", "vulkan1.2", file.toString()).redirectErrorStream(true).start();
    } catch (IOException e) {
      Sessions.skip("spirv-val is not installed (spirv-tools in Debian and Ubuntu)");
      return null;
    }
    String said = new String(process.getInputStream().readAllBytes());
    return process.waitFor() == 0 ? "" : file + ": " + said;
  }

  private static boolean isOfMatrices(Path file) {
    return file.getFileName().toString().startsWith("linear_matrix.");
  }

  @Test
  void everyShaderIsValid() throws IOException, InterruptedException {
    for (Path file : files()) {
      if (!isOfMatrices(file)) {
        assertEquals("", validate(file));
      }
    }
  }

  @Test
  void shadersOfMatricesAreValid() throws IOException, InterruptedException {
    for (Path file : files().stream().filter(ShaderTest::isOfMatrices).toList()) {
      String said = validate(file);
      assumeFalse(said.contains("Invalid capability operand"), "this spirv-val does not know matrices (SPV_KHR_cooperative_matrix)");
      assertEquals("", said);
    }
  }
}
