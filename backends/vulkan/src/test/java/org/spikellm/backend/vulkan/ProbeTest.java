package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Availability;

/** What is missing is said in one line, and nothing else is: each case in a JVM of its own, since a loader stays loaded. */
class ProbeTest {

  private static final String MODULE = "org.spikellm.backend.vulkan";

  @TempDir
  Path directory;

  private String probe(Map<String, String> environment, String... flags) throws IOException, InterruptedException {
    String path = Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
        .flatMap(list -> Stream.of(list.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && !entry.endsWith("test-classes")).distinct()
        .collect(Collectors.joining(File.pathSeparator));
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=org.lwjgl", "--sun-misc-unsafe-memory-access=allow", "-p", path, "--patch-module",
        MODULE + "=" + Path.of("target", "test-classes").toAbsolutePath()));
    command.addAll(List.of(flags));
    command.addAll(List.of("-m", MODULE + "/" + ProbeMain.class.getName()));
    Path err = directory.resolve("err");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("JAVA_TOOL") || name.startsWith("JDK_JAVA"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes());
    assertEquals(0, process.waitFor());
    assertEquals("", Files.readString(err));
    return out;
  }

  @Test
  void withoutALoader() throws IOException, InterruptedException {
    String said = probe(Map.of(), "-Dorg.lwjgl.vulkan.libname=no-such-library");
    assertTrue(said.startsWith("unavailable: there is no Vulkan loader ("), said);
    assertTrue(said.contains("install libvulkan1"), said);
    assertEquals(1, said.lines().count(), said);
  }

  @Test
  void withoutADriver() throws IOException, InterruptedException {
    if (Loader.problem() != null) {
      Sessions.skip(Loader.problem());
    }
    String said = probe(Map.of("VK_ICD_FILENAMES", "/no/such/driver.json", "VK_DRIVER_FILES", "/no/such/driver.json"));
    assertTrue(said.startsWith("unavailable: there is a Vulkan loader but no driver; install"), said);
    assertEquals(1, said.lines().count(), said);
  }

  @Test
  void withoutTheDeviceThatIsAskedFor() {
    Sessions.need();
    VulkanBackend backend = new VulkanBackend().configure(Map.of("device", "no such device"));
    var unavailable = (Availability.Unavailable) backend.probe();
    assertTrue(unavailable.reason().startsWith("there is no device 'no such device'; there are: 0 ("), unavailable.reason());
    assertTrue(assertThrows(IllegalStateException.class, () -> backend.open(1)).getMessage().contains(unavailable.reason()));
  }
}
