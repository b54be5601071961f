package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Failures of the program in a JVM of its own, started on the module path as the start script does. */
class StartTest {

  private static final String MODULE = "org.spikellm.launcher";
  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir
  private Path temporary;

  /** Runs {@code exec java …} after a shell command. */
  private Program start(String before, List<String> flags, String... args) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL + " to set limits with");
    String path = Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
        .flatMap(list -> Stream.of(list.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && !entry.endsWith("test-classes")).distinct()
        .collect(Collectors.joining(File.pathSeparator));
    List<String> command = Stream.of(Stream.of(SHELL.toString(), "-c", before + " exec \"$@\"", "sh",
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-CreateCoredumpOnCrash",
        "-Dspikellm.home=" + System.getProperty("spikellm.home"), "-Dstderr.encoding=UTF-8", "--add-modules", "jdk.incubator.vector",
        "--enable-native-access=ai.djl.tokenizers,com.sun.jna", "--module-path", path), flags.stream(),
        Stream.of("-m", MODULE + "/" + Main.class.getName()), Stream.of(args)).flatMap(part -> part).toList();
    Path out = temporary.resolve("stdout");
    Path err = temporary.resolve("stderr");
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("JAVA_TOOL") || name.startsWith("JDK_JAVA"));
    int status = builder.start().waitFor();
    // The JVM says so whenever the vector backend's module is on the path.
    String lines = Files.readAllLines(err).stream().filter(line -> !line.contains("jdk.incubator.vector"))
        .collect(Collectors.joining("\n"));
    return new Program(status, Files.readString(out), lines);
  }

  private void refused(Program run, String... parts) {
    assertEquals(1, run.status(), run.err());
    assertEquals(1, run.complaints().size(), run.err());
    assertTrue(run.err().startsWith("spikellm: "), run.err());
    for (String part : parts) {
      assertTrue(run.err().contains(part), "no '" + part + "' in: " + run.err());
    }
    assertEquals("", run.out());
    assertFalse(Files.exists(temporary.resolve("out")), "something was written");
  }

  private String[] quantize(String... more) {
    return Stream.concat(Stream.of("quantize", ModelCopy.ORIGINAL.toString(), temporary.resolve("out").toString(), "--quiet"),
        Stream.of(more)).toArray(String[]::new);
  }

  @Test
  void noCheckpoint() throws IOException, InterruptedException {
    refused(start("", List.of(), "inspect", temporary.resolve("nowhere").toString()), "nowhere", "expected a directory", "found nothing");
  }

  /** Files may not grow past 100 blocks of 512 bytes: the first block of the model is larger. */
  @Test
  void noRoomForABlock() throws IOException, InterruptedException {
    refused(start("ulimit -f 100;", List.of(), quantize("--samples", "1", "--sequence", "16")), "out.partial", "cannot be written",
        "finished blocks are kept");
  }

  /** A million windows of 512 tokens do not fit in such a heap. */
  @Test
  void notEnoughMemory() throws IOException, InterruptedException {
    refused(start("", List.of("-Xmx128m"), quantize("--samples", "1048576", "--sequence", "512")), "out of memory", "fewer --samples",
        "SPIKELLM_JAVA_OPTS");
  }
}
