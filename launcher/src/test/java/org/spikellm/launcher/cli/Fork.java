package org.spikellm.launcher.cli;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The program in a JVM of its own, started on the module path as the start script does. */
final class Fork {

  private static final String MODULE = "org.spikellm.launcher";

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

  /** Standard error without what the JVM says whenever the vector backend's module is on the path. */
  static String complaints(List<String> lines) {
    return lines.stream().filter(line -> !line.contains("jdk.incubator.vector")).collect(Collectors.joining("\n"));
  }
}
