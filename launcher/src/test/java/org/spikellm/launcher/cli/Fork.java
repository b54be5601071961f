package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The program in a JVM of its own, started on the module path as the start script does. */
final class Fork {

  private static final String MODULE = "org.spikellm.launcher";

  /** For runs that are over before the optimizing compiler pays. */
  static final List<String> SHORT_RUN = List.of("-XX:TieredStopAtLevel=1");

  /** Past it a run counts as one that does not end. */
  private static final int LIMIT_SECONDS = 120;

  private Fork() {}

  /** Where the tests of this module find everything else; without test classes, and without a test engine that is no module. */
  static List<Path> path() {
    return Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
        .flatMap(list -> Stream.of(list.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && !entry.endsWith("test-classes") && !entry.contains("archunit"))
        .distinct().map(Path::of).toList();
  }

  /** The command line that starts it with these arguments. */
  static List<String> command(Path home, List<String> flags, String... args) {
    String path = path().stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    return Stream.of(Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:-CreateCoredumpOnCrash",
        "-Dspikellm.home=" + home, "-Dstderr.encoding=UTF-8", "--add-modules", "jdk.incubator.vector",
        "--enable-native-access=ai.djl.tokenizers,com.sun.jna,org.lwjgl,ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
        "--module-path", path),
        flags.stream(), Stream.of("-m", MODULE + "/" + Main.class.getName()), Stream.of(args)).flatMap(part -> part).toList();
  }

  /** A process with nothing of the environment's that would change the JVM. */
  static ProcessBuilder builder(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().keySet().removeIf(name -> name.startsWith("JAVA_TOOL") || name.startsWith("JDK_JAVA"));
    return builder;
  }

  /**
   * Runs it to its end.
   *
   * @param directory for its output
   */
  static Program run(Path directory, Path home, List<String> flags, String... args) throws IOException, InterruptedException {
    Path out = Files.createTempFile(directory, "out", "");
    Path err = Files.createTempFile(directory, "err", "");
    Process process = builder(command(home, flags, args)).redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertTrue(ended, String.join(" ", args) + " did not end");
    return new Program(process.exitValue(), Files.readString(out), complaints(Files.readAllLines(err)));
  }

  /** Standard error without what the JVM says whenever the vector backend's module is on the path. */
  static String complaints(List<String> lines) {
    return lines.stream().filter(line -> !line.contains("jdk.incubator.vector")).collect(Collectors.joining("\n"));
  }
}
