package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Failures of the program in a JVM of its own, started on the module path as the start script does. */
class StartTest {

  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir
  private Path temporary;

  /** Runs {@code exec java …} after a shell command. */
  private Program start(String before, List<String> flags, String... args) throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL + " to set limits with");
    List<String> command = Stream.concat(Stream.of(SHELL.toString(), "-c", before + " exec \"$@\"", "sh"),
        Fork.command(Path.of(System.getProperty("spikellm.home")), flags, args).stream()).toList();
    Path out = temporary.resolve("stdout");
    Path err = temporary.resolve("stderr");
    int status = Fork.builder(command).redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();
    String lines = Fork.complaints(Files.readAllLines(err));
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

  @Test
  void standardOutputThatTakesNothing() throws IOException, InterruptedException {
    assumeTrue(Files.exists(Path.of("/dev/full")), "there is no /dev/full here");
    for (String[] call : new String[][] {{"--help"}, {"providers", "--json"},
        {"generate", ModelCopy.ORIGINAL.toString(), "--prompt", "Once", "--max-tokens", "2", "--quiet"}}) {
      refused(start("exec >/dev/full;", List.of(), call), "standard output cannot be written: ");
    }
  }

  /** A million windows of 512 tokens do not fit in such a heap. */
  @Test
  void notEnoughMemory() throws IOException, InterruptedException {
    refused(start("", List.of("-Xmx128m"), quantize("--samples", "1048576", "--sequence", "512")), "out of memory", "fewer --samples",
        "SPIKELLM_JAVA_OPTS");
  }

  /** The first of two compilers only: it makes no vectors. The tokens are those of any other JVM. */
  @Test
  void noCompilerOfVectors() throws IOException, InterruptedException {
    String[] generate = {"generate", ModelCopy.ORIGINAL.toString(), "--prompt", "Once upon", "--max-tokens", "8", "--temperature", "0",
        "--backend", "simd", "--quiet"};
    Program run = start("", List.of("-XX:TieredStopAtLevel=1"), generate);
    assertEquals(0, run.status(), run.err());
    assertTrue(run.err().startsWith("spikellm: WARNING: backend 'simd': ") && run.err().contains("does not compile the Vector API"), run.err());
    assertEquals(1, run.complaints().size(), run.err());
    assertEquals(start("", List.of(), generate).out(), run.out());
  }
}
