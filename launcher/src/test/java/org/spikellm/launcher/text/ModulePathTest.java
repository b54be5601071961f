package org.spikellm.launcher.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The libraries start as modules, with nothing opened or added for the tests, and keep quiet. */
class ModulePathTest {

  private static final String MODULE = "org.spikellm.launcher";

  @TempDir
  Path home;

  @Test
  void tokenizerAndChatTemplateStartOnTheModulePath() throws IOException, InterruptedException {
    // Surefire puts on the module path what module-infos name, and the rest on the class path.
    String path = Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
        .flatMap(list -> Stream.of(list.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && !entry.endsWith("test-classes")).distinct()
        .collect(Collectors.joining(File.pathSeparator));
    Path tests = Path.of("target", "test-classes").toAbsolutePath();
    Path out = home.resolve("out");
    Path err = home.resolve("err");
    ProcessBuilder start = new ProcessBuilder(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Duser.home=" + home, "-Dstdout.encoding=UTF-8",
        "--enable-native-access=ai.djl.tokenizers,com.sun.jna,org.lwjgl", "-p", path, "--patch-module", MODULE + "=" + tests,
        "-m", MODULE + "/" + StartProbe.class.getName(), Path.of("src", "main", "models", "tales-3m").toString(), "chat"));
    start.environment().keySet().removeIf(name -> name.equals("XDG_CACHE_HOME") || name.startsWith("JAVA_TOOL")
        || name.startsWith("DJL_") || name.equals("ENGINE_CACHE_DIR"));
    int status = start.redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();

    // The JVM names the incubator module of the vector backend whenever that one is on the path.
    assertEquals(List.of(), Files.readAllLines(err).stream().filter(line -> !line.contains("jdk.incubator.vector")).toList());
    assertEquals(0, status);
    assertEquals("Once upon a 🦙\n<s>HI [[\"user\"]]", Files.readString(out).strip());
    try (var files = Files.walk(home.resolve(".cache/spikellm"))) {
      assertTrue(files.anyMatch(file -> file.getFileName().toString().contains("tokenizers.")), "no native part in the cache");
    }
  }
}
