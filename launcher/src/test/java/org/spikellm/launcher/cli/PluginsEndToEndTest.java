package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.launcher.plugin.PluginJar;

/** As an author of a plug-in goes: a project from the template, a jar, both ways of loading it, a model that runs with it. */
class PluginsEndToEndTest {

  private static final String JAR = "adaptive-neuron-0.1.0.jar";
  private static final String TEXT = "src/main/models/tales-3m/evaluation.txt";

  private static final String COST = "neuron 'adaptive' is not collapsible: it runs step by step, and a linear layer takes 2 to "
      + "4 products of spikes where one of counts would do";

  @TempDir
  private static Path temporary;
  private static Path home;
  private static Path jars;
  /** Why the jar was not built with Maven; null where it was. */
  private static String notBuilt;

  /** The jar of the template, as its README builds it; where that cannot be, compiled alone. */
  @BeforeAll
  static void build() throws IOException, InterruptedException {
    home = Files.createDirectory(temporary.resolve("home"));
    copy(Path.of("src/main/models"), home.resolve("models"));
    Path contracts = Files.createDirectory(home.resolve("tck"));
    for (Path entry : Fork.path()) {
      String name = entry.toString().matches(".*(api/tck/|spikellm-tck).*") ? "contracts"
          + (Files.isDirectory(entry) ? "" : ".jar") : entry.getFileName().toString();
      if (name.matches("(contracts|junit-|opentest4j|apiguardian|jspecify).*")) {
        copy(entry, contracts.resolve(name));
      }
    }
    Path project = temporary.resolve("project");
    succeeds("providers", "--template", "neuron", project.toString());
    jars = Files.createDirectory(temporary.resolve("jars"));
    try (OfflineMaven maven = OfflineMaven.open(temporary.resolve("repository"),
          Files.readString(project.resolve("pom.xml")).replaceFirst("(?s).*<spikellm.version>(.*)</spikellm.version>.*", "$1"))) {
      maven.run(project, "package");
      copy(project.resolve("target").resolve(JAR), jars.resolve(JAR));
    } catch (IOException e) {
      notBuilt = e.getMessage();
      String sources = "src/main/java/";
      new PluginJar().source("module-info", Files.readString(project.resolve(sources + "module-info.java")))
          .source("com.example.adaptive.AdaptiveThreshold",
              Files.readString(project.resolve(sources + "com/example/adaptive/AdaptiveThreshold.java")))
          .write(jars.resolve(JAR));
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }

  private static Program run(String... args) throws IOException, InterruptedException {
    return Fork.run(temporary, home, Fork.SHORT_RUN, args);
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

  /** One command makes a jar that is a module and a bundle. */
  @Test
  void theProjectOfTheTemplateIsBuiltByMaven() throws IOException {
    if (Arrays.asList(System.getProperty("spikellm.require", "").split(",")).contains("maven")) {
      assertNull(notBuilt, "-Dspikellm.require=maven");
    }
    assumeTrue(notBuilt == null, "the project of the template is not built: " + notBuilt);
    try (JarFile jar = new JarFile(jars.resolve(JAR).toFile())) {
      assertNotNull(jar.getEntry("module-info.class"));
      assertEquals("adaptive-neuron", jar.getManifest().getMainAttributes().getValue("Bundle-SymbolicName"));
    }
  }

  @Test
  void theTemplateQuantizesEvaluatesAndGeneratesBothWays() throws IOException, InterruptedException {
    List<byte[]> weights = new ArrayList<>();
    for (String way : List.of("--plugins", "--module-path")) {
      Path out = temporary.resolve("of" + way);
      Program made = run(quantize(out, way));
      assertEquals(0, made.status(), made.err());
      weights.add(weights(out));
      String json = succeeds("evaluate", out.toString(), way, jars.toString(), "--text", TEXT, "--sequence", "32", "--limit", "1",
          "--json", "--quiet");
      double perplexity = Double.parseDouble(json.replaceFirst("(?s).*\"value\":([0-9.]+).*", "$1"));
      assertTrue(perplexity > 5 && perplexity < 200, json);
      Program generated = run("generate", out.toString(), way, jars.toString(), "--prompt", "Once upon a time", "--max-tokens",
          "5", "--temperature", "0", "--json");
      assertTrue(generated.out().contains("\"generated_tokens\":5"), generated.out());
      assertEquals(out + ": " + COST, generated.err());
    }
    assertArrayEquals(weights.getFirst(), weights.getLast());
  }

  /** A start without plug-ins pays nothing for them. */
  @Test
  void theFrameworkIsLoadedForAJarAlone() throws IOException, InterruptedException {
    Path none = Files.createDirectory(temporary.resolve("none"));
    Path log = temporary.resolve("classes.log");
    for (List<String> options : List.of(List.<String>of(), List.of("--plugins", none.toString()),
        List.of("--plugins", jars.toString()))) {
      List<String> flags = Stream.concat(Fork.SHORT_RUN.stream(), Stream.of("-Xlog:class+load:file=" + log)).toList();
      Program run = Fork.run(temporary, home, flags,
          Stream.concat(Stream.of("providers"), options.stream()).toArray(String[]::new));
      assertEquals(0, run.status(), run.err());
      List<String> loaded = Files.readAllLines(log);
      assertTrue(loaded.stream().anyMatch(line -> line.contains("org.spikellm.launcher.cli.ProvidersCommand")),
          "nothing was logged");
      assertEquals(options.contains(jars.toString()), loaded.stream().anyMatch(line -> line.contains("org.apache.felix.")),
          options.toString());
    }
  }

  /** What the checkpoint says of its jar is compared with what is there. */
  @Test
  void theCheckpointKnowsItsJar() throws IOException, InterruptedException {
    Path out = temporary.resolve("known");
    String[] quantize = quantize(out, "--plugins");
    Program made = Program.run(Arrays.copyOf(quantize, quantize.length - 1));
    assertEquals(0, made.status(), made.err());
    assertTrue(made.err().contains(COST), made.err());
    Program without = run("generate", out.toString(), "--prompt", "Once");
    assertEquals(1, without.status(), without.err());
    for (String part : new String[] {"no neuron 'adaptive'", JAR, "com.example.adaptive", "SHA-256", "--plugins"}) {
      assertTrue(without.err().contains(part), without.err());
    }
    Program inspected = Program.run("inspect", out.toString(), "--layers");
    assertEquals(0, inspected.status(), inspected.err());
    assertTrue(inspected.out().contains(JAR)
        && inspected.err().startsWith("warning: " + out + ": the checkpoint's neuron: there is no"),
        inspected.err());

    Path other = Files.createDirectory(temporary.resolve("other"));
    new PluginJar().source("module-info", "module com.example.adaptive { requires org.spikellm.api; "
        + "provides org.spikellm.api.NeuronModel with com.example.adaptive.Neuron; }").source("com.example.adaptive.Neuron",
        PluginJar.neuron("com.example.adaptive", "adaptive", "java.util.Arrays.fill(spikes, (short) 0);")
        .replace("public boolean", "public java.util.Map<String, String> options() { "
        + "return java.util.Map.of(\"adaptation\", \"1\"); }\npublic boolean")).write(other.resolve("changed.jar"));
    for (String way : List.of("--plugins", "--module-path")) {
      Program run = Program.run("evaluate", out.toString(), way, other.toString(), "--text", TEXT, "--sequence", "32",
          "--limit", "1", "--json", "--quiet");
      assertEquals(0, run.status(), run.err());
      assertEquals(1, run.complaints().size(), run.err());
      for (String part : new String[] {"warning: " + out, "made with neuron 'adaptive' of " + JAR,
          "runs with that of changed.jar"}) {
        assertTrue(run.err().contains(part), "no '" + part + "' in: " + run.err());
      }
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
    Process process = Fork.builder(Fork.command(home, Fork.SHORT_RUN, "chat", out.toString(), "--plugins", plugins.toString(),
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
