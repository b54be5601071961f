package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.launcher.plugin.PluginJar;

/** As an author of a plug-in goes: a project from the template, a jar, both ways of loading it, a model that runs with it. */
class PluginsEndToEndTest {

  private static final String TEXT = "src/main/models/tales-3m/evaluation.txt";

  @TempDir
  private static Path temporary;
  private static Path home;
  private static Path jars;

  /** The jar of the template, built as another tool than ours would. */
  @BeforeAll
  static void build() throws IOException, InterruptedException {
    home = Files.createDirectory(temporary.resolve("home"));
    copy(Path.of("src/main/models"), home.resolve("models"));
    Path contracts = Files.createDirectory(home.resolve("tck"));
    for (Path entry : Fork.path()) {
      String name = entry.toString().contains("tck") ? "contracts" + (Files.isDirectory(entry) ? "" : ".jar")
          : entry.getFileName().toString();
      if (name.matches("(contracts|junit-|opentest4j|apiguardian|jspecify).*")) {
        copy(entry, contracts.resolve(name));
      }
    }
    Path project = temporary.resolve("project");
    succeeds("providers", "--template", "neuron", project.toString());
    jars = Files.createDirectory(temporary.resolve("jars"));
    String sources = "src/main/java/";
    new PluginJar().source("module-info", Files.readString(project.resolve(sources + "module-info.java")))
        .source("com.example.adaptive.AdaptiveThreshold",
            Files.readString(project.resolve(sources + "com/example/adaptive/AdaptiveThreshold.java")))
        .write(jars.resolve("adaptive.jar"));
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }

  private static Program run(String... args) throws IOException, InterruptedException {
    Path out = Files.createTempFile(temporary, "out", "");
    Path err = Files.createTempFile(temporary, "err", "");
    Process process = Fork.builder(Fork.command(home, List.of(), args)).redirectOutput(out.toFile()).redirectError(err.toFile())
        .start();
    assertTrue(process.waitFor(120, TimeUnit.SECONDS), String.join(" ", args));
    return new Program(process.exitValue(), Files.readString(out), Fork.complaints(Files.readAllLines(err)));
  }

  private static String succeeds(String... args) throws IOException, InterruptedException {
    Program run = run(args);
    assertEquals(0, run.status(), String.join(" ", args) + ": " + run.err());
    return run.out();
  }

  private static String[] quantize(Path out, String way) {
    return new String[] {"quantize", ModelCopy.ORIGINAL.toString(), out.toString(), way, jars.toString(), "--neuron", "adaptive",
        "--pipeline",
        "rtn", "--salience", "magnitude", "--samples", "1", "--sequence", "16", "--quiet"};
  }

  private static byte[] weights(Path out) throws IOException {
    try (Stream<Path> files = Files.list(out)) {
      return Files.readAllBytes(files.filter(file -> file.toString().endsWith(".safetensors")).sorted().findFirst()
          .orElseThrow());
    }
  }

  @Test
  void theTemplateQuantizesEvaluatesAndGeneratesBothWays() throws IOException, InterruptedException {
    String listed = succeeds("providers", "--plugins", jars.toString(), "--json");
    assertTrue(listed.contains("\"from\":\"bundle\"") && listed.contains("\"id\":\"adaptive\""), listed);
    Path bundled = temporary.resolve("bundled");
    Path modular = temporary.resolve("modular");
    succeeds(quantize(bundled, "--plugins"));
    assertEquals(0, Program.run(quantize(modular, "--module-path")).status());
    assertArrayEquals(weights(bundled), weights(modular));

    String json = succeeds("evaluate", bundled.toString(), "--plugins", jars.toString(), "--text", TEXT, "--sequence", "32",
        "--limit", "1",
        "--json", "--quiet");
    double perplexity = Double.parseDouble(json.replaceFirst("(?s).*\"value\":([0-9.]+).*", "$1"));
    assertTrue(perplexity > 5 && perplexity < 200, json);
    String text = Program.run("generate", modular.toString(), "--module-path", jars.toString(), "--prompt", "Once upon a time",
        "--max-tokens", "5", "--temperature", "0", "--json", "--quiet").out();
    assertTrue(text.contains("\"generated_tokens\":5"), text);

    Program without = Program.run("generate", bundled.toString(), "--prompt", "Once");
    assertEquals(1, without.status(), without.err());
    for (String part : new String[] {"no neuron 'adaptive'", "adaptive.jar", "com.example.adaptive", "SHA-256", "--plugins"}) {
      assertTrue(without.err().contains(part), without.err());
    }
  }

  /** A collapsible neuron is not stepped: this one would fail if it was, and makes what the neuron with its dynamics makes. */
  @Test
  void aCollapsiblePluginRunsOnCounts() throws IOException {
    Path directory = Files.createDirectory(temporary.resolve("collapsible"));
    new PluginJar().source("module-info", "module twin { requires org.spikellm.api; provides org.spikellm.api.NeuronModel with "
        + "twin.Neuron; }").source("twin.Neuron", PluginJar.neuron("twin", "twin", "throw new IllegalStateException(\"stepped\");")
        .replace("return false", "return true")).write(directory.resolve("twin.jar"));
    for (String neuron : List.of("twin", "gif")) {
      Program run = Program.run("quantize", ModelCopy.ORIGINAL.toString(), temporary.resolve("of-" + neuron).toString(), "--plugins",
          directory.toString(), "--neuron", neuron, "--pipeline", "rtn", "--salience", "magnitude", "--samples", "1", "--sequence", "16",
          "--quiet");
      assertEquals(0, run.status(), run.err());
    }
    assertArrayEquals(weights(temporary.resolve("of-gif")), weights(temporary.resolve("of-twin")));
  }

  @Test
  void anInstalledProviderIsVerified() throws IOException, InterruptedException {
    String rules = succeeds("providers", "--plugins", jars.toString(), "--verify", "adaptive");
    assertTrue(rules.contains("passed  N.2 ") && rules.contains("skipped N.5 ") && rules.contains("0 failed"), rules);
    Path wild = Files.createDirectory(temporary.resolve("wild"));
    PluginJar.module("wild", "wild", "java.util.Arrays.fill(spikes, (short) 999);").write(wild.resolve("wild.jar"));
    Program run = run("providers", "--module-path", wild.toString(), "--verify", "wild");
    assertEquals(1, run.status(), run.err());
    assertTrue(run.out().contains("failed  N.2 ") && run.out().contains("failed  N.6 ") && run.out().contains("passed  P.1 "),
        run.out());
  }

  /** A chat, a line in and a line out. */
  private record Chat(Process process, Writer in, BufferedReader out, BufferedReader err) implements AutoCloseable {

    @Override
    public void close() throws IOException {
      in.close();
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
      }
    }

    String turn(String line) throws IOException {
      in.write(line + "\n");
      in.flush();
      return out.readLine();
    }

    /** Waits for a line of standard error. */
    void says(String part) throws IOException {
      List<String> seen = new ArrayList<>();
      String line;
      while ((line = err.readLine()) != null) {
        if (line.contains(part)) {
          return;
        }
        seen.add(line);
      }
      fail("'" + part + "' was not said: " + seen);
    }
  }

  private static void move(PluginJar jar, Path to) throws IOException {
    Files.move(jar.write(temporary.resolve("new.jar")), to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
  }

  /** A jar whose neuron fires all that is there, or less by a share. */
  private static PluginJar neuron(String share) {
    return PluginJar.module("swap", "swap", "for (int i = 0; i < input.length; i++) { float u = potential[i] + input[i]; "
        + "spikes[i] = (short) Math.clamp((int) (u * " + share
        + "), d.lowLevel(), d.highLevel()); potential[i] = u - spikes[i]; }");
  }

  @Test
  void aPluginIsReplacedAndRemovedDuringAChat() throws IOException, InterruptedException {
    Path plugins = Files.createDirectory(temporary.resolve("plugins"));
    Path jar = plugins.resolve("swap.jar");
    move(neuron("1"), jar);
    Path out = temporary.resolve("swapped");
    assertEquals(0, Program.run("quantize", ModelCopy.ORIGINAL.toString(), out.toString(), "--plugins", plugins.toString(),
        "--neuron", "swap",
        "--pipeline", "rtn", "--salience", "magnitude", "--samples", "1", "--sequence", "16", "--quiet").status());
    Process process = Fork.builder(Fork.command(home, List.of(), "chat", out.toString(), "--plugins", plugins.toString(),
        "--json",
        "--temperature", "0", "--max-tokens", "6")).start();
    try (Chat chat = new Chat(process, process.outputWriter(StandardCharsets.UTF_8), process.inputReader(StandardCharsets.UTF_8),
        process.errorReader(StandardCharsets.UTF_8))) {
      String first = chat.turn("A dog");
      assertTrue(first.contains("\"tokens\""), first);

      move(neuron("0.2"), jar);
      chat.says("swap.jar was replaced");
      String second = chat.turn("A dog");
      chat.says("opened again");
      assertTrue(second.contains("\"tokens\""), second);

      Files.writeString(jar, "junk");
      chat.says("swap.jar cannot be used");
      assertTrue(chat.turn("A cat").contains("\"tokens\""));

      Files.delete(jar);
      chat.says("swap.jar was removed");
      String gone = chat.turn("A cow");
      assertTrue(gone.contains("\"error\"") && gone.contains("no neuron 'swap'"), gone);

      move(neuron("1"), jar);
      chat.says("swap.jar was added");
      assertTrue(chat.turn("A cow").contains("\"tokens\""));
    }
  }
}
