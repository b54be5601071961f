package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The line that each kind of failure becomes, and calls that once ran out of memory. */
class FailureTest {

  @TempDir
  private Path temporary;

  static Stream<Arguments> failures() {
    return Stream.of(
        Arguments.of(new IOException("a: expected b"), "a: expected b"),
        Arguments.of(new UncheckedIOException(new UncheckedIOException(new IOException("inner")).getCause()), "inner"),
        Arguments.of(new UncheckedIOException("outer: what to do", new IOException("inner")), "outer: what to do"),
        Arguments.of(new NoSuchFileException("/a/b"), "/a/b: not found"),
        Arguments.of(new AccessDeniedException("/a/b"), "/a/b: permission denied"),
        Arguments.of(new FileSystemLoopException("/a/b"), "/a/b: FileSystemLoopException"),
        Arguments.of(new IllegalArgumentException("x: expected y"), "x: expected y"),
        Arguments.of(new IOException("two\nlines\r\nand \u001b[31mcolour\u0007"), "two lines and ?[31mcolour?"),
        Arguments.of(new OutOfMemoryError("Java heap space"), "out of memory: Java heap space; ask for less"),
        Arguments.of(new InternalError("a fault occurred in an unsafe memory access operation"), "a file became shorter while it was read"),
        Arguments.of(new IllegalStateException("odd"), "unexpected: java.lang.IllegalStateException: odd; run again with --stacktrace"),
        Arguments.of(new IOException(), "unexpected: java.io.IOException"),
        Arguments.of(new StackOverflowError(), "unexpected: java.lang.StackOverflowError"));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void oneLineEach(Throwable failure, String line) {
    StringWriter text = new StringWriter();
    assertEquals(1, Failure.report(failure, new PrintWriter(text, true), false));
    assertTrue(text.toString().startsWith("spikellm: " + line), text.toString());
    assertEquals(1, text.toString().lines().count(), text.toString());
    Failure.report(failure, new PrintWriter(text, true), true);
    assertTrue(text.toString().contains("\tat "), "no trace though it was asked for: " + text);
  }

  @Test
  void aNameCannotBreakTheLine() {
    Program run = Program.run("inspect", "no\nsuch\u001b[2Jdirectory");
    assertEquals(1, run.status());
    assertEquals(List.of("spikellm: no such?[2Jdirectory: expected a directory with config.json and *.safetensors, found nothing"),
        run.complaints());
  }

  @ParameterizedTest
  @ValueSource(strings = {"generat m --prompt x; did you mean generate", "generate m --promt x; --prompt?",
      "quantize m o --stepz 2; --steps?",
      "evaluate m --texts f --text f; did you mean --text", "inspect m extra; Unmatched argument", "quantize m; OUT", "generate m; --prompt",
      "quantize m o --steps; --steps", "quantize m o --steps 2.5; '2.5' is not an int", "quantize m o --option gif; KEY=VALUE",
      "quantize m o --seed 99999999999999999999; --seed", "generate m --prompt x --temperature -1; --temperature",
      "generate m --prompt x --temperature NaN; --temperature", "generate m --prompt x --top-p 0; --top-p",
      "generate m --prompt x --max-tokens 0; --max-tokens", "evaluate m --text f --limit 0; --limit", "demo --max-tokens 1; --max-tokens",
      "bench; MODEL", "bench --shape llama-9; llama-2-7b", "bench --shape llama-2-7b:0; 1 to 32", "bench m --repeat 0; --repeat"})
  void aWrongCallIsOneLineAndTheWayToTheHelp(String callAndPart) {
    String[] parts = callAndPart.split("; ");
    Program run = Program.run(parts[0].split(" "));
    assertEquals(2, run.status(), run.err());
    assertEquals(2, run.complaints().size(), run.err());
    assertTrue(run.complaints().getFirst().startsWith("spikellm: ") && run.complaints().getFirst().contains(parts[1]), run.err());
    assertTrue(run.complaints().getLast().matches("See 'spikellm.* --help'\\."), run.err());
    assertEquals("", run.out());
  }

  /** Asking for more tokens than there is room for ends at the model's limit. */
  @Test
  void moreTokensThanCouldBeHeld() {
    ModelCopy model = ModelCopy.in(temporary.resolve("model")).config("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 8");
    Program run = Program.run("generate", model.directory().toString(), "--prompt", "Once", "--max-tokens", "2147483647", "--json");
    assertEquals(0, run.status(), run.err());
    assertTrue(run.out().contains("\"tokens\""), run.out());
  }

  /** A conversation does not take the memory of all positions that the model could have. */
  @Test
  void aLimitThatNoMemoryHolds() {
    ModelCopy model = ModelCopy.in(temporary.resolve("model"))
        .config("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 268435456");
    InputStream in = System.in;
    System.setIn(new ByteArrayInputStream("Hello\nAnd then\n".getBytes(StandardCharsets.UTF_8)));
    try {
      Program run = Program.run("chat", model.directory().toString(), "--max-tokens", "3", "--temperature", "0", "--json");
      assertEquals(0, run.status(), run.err());
      assertEquals(2, run.out().lines().count(), run.out());
    } finally {
      System.setIn(in);
    }
  }

  /** The demo looks at the whole call before it removes what an earlier one left. */
  @Test
  void aWrongDemoRemovesNothing() throws IOException {
    Path earlier = Files.createDirectory(temporary.resolve("demo"));
    Files.writeString(earlier.resolve("config.json"), "{\"quantization_config\": {\"quant_method\": \"spikellm\"}}");
    assertEquals(2, Program.run("demo", "--out", earlier.toString(), "--threads", "0").status());
    assertEquals(2, Program.run("demo", "--out", earlier.toString(), "--backend", "cuda").status());
    assertTrue(Files.exists(earlier.resolve("config.json")));
    Path mine = Files.createDirectory(temporary.resolve("mine"));
    Files.writeString(mine.resolve("thesis.txt"), "precious");
    Program run = Program.run("demo", "--out", mine.toString());
    assertEquals(1, run.status());
    assertTrue(run.err().contains("expected an earlier demo's model or nothing"), run.err());
    assertTrue(Files.exists(mine.resolve("thesis.txt")));
    assertFalse(Files.exists(temporary.resolve("mine.partial")));
  }
}
