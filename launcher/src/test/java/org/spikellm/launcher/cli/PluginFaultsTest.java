package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.launcher.plugin.PluginJar;

/**
 * Plug-ins that break their contract, in a JVM of its own: the message names them with their jar, the others are not taken along,
 * and the work that was done stays.
 */
class PluginFaultsTest {

  private static final String DETECTOR = """
      package %1$s;
      import org.spikellm.api.*;
      public class Detector implements SalienceDetector {
        public String id() { return "%1$s"; }
        public boolean needsGram() { return false; }
        public float[] score(Tensor weight, InputStatistics inputs, Session session) { %2$s }
      }
      """;

  @TempDir
  private Path temporary;
  private Path plugins;
  private Path out;

  @BeforeEach
  void directories() throws IOException {
    plugins = Files.createDirectory(temporary.resolve("plugins"));
    out = temporary.resolve("out");
  }

  private void detector(String id, String body) throws IOException {
    new PluginJar().source("module-info", "module " + id
        + " { requires org.spikellm.api; provides org.spikellm.api.SalienceDetector with "
        + id + ".Detector; }").source(id + ".Detector", DETECTOR.formatted(id, body)).write(plugins.resolve(id + ".jar"));
  }

  private Program run(String... args) throws IOException, InterruptedException {
    return Fork.run(temporary, Path.of(System.getProperty("spikellm.home")), Fork.SHORT_RUN, args);
  }

  private String[] quantization(String... more) {
    return Stream.concat(Stream.of("quantize", ModelCopy.ORIGINAL.toString(), out.toString(), "--plugins", plugins.toString(),
        "--pipeline", "rtn", "--samples", "1", "--sequence", "16", "--quiet"), Stream.of(more)).toArray(String[]::new);
  }

  private Program quantize(String... more) throws IOException, InterruptedException {
    return run(quantization(more));
  }

  private void blamed(Program run, String... parts) {
    assertEquals(1, run.status(), run.err());
    assertEquals(1, run.complaints().size(), run.err());
    for (String part : parts) {
      assertTrue(run.err().contains(part), "no '" + part + "' in: " + run.err());
    }
    assertFalse(Files.exists(out), "what was not finished looks finished");
  }

  @Test
  void aNeuronThatThrows() throws IOException, InterruptedException {
    PluginJar.module("thrower", "thrower", "throw new IllegalStateException(\"tired\");").write(plugins.resolve("thrower.jar"));
    blamed(quantize("--neuron", "thrower"), "neuron 'thrower'", "thrower.jar", "step threw", "tired");
  }

  @Test
  void aNeuronThatFiresTooMuch() throws IOException {
    PluginJar.module("wild", "wild", "java.util.Arrays.fill(spikes, (short) 999);").write(plugins.resolve("wild.jar"));
    blamed(Program.run(quantization("--neuron", "wild")), "neuron 'wild'", "wild.jar", "level 999", "expected a level of 0..15");
  }

  @Test
  void aNeuronWithoutAPotential() throws IOException {
    PluginJar.module("lost", "lost", "java.util.Arrays.fill(spikes, (short) 0); java.util.Arrays.fill(potential, Float.NaN);")
        .write(plugins.resolve("lost.jar"));
    blamed(Program.run(quantization("--neuron", "lost")), "neuron 'lost'", "lost.jar", "NaN", "finite potential");
  }

  @Test
  void aNeuronThatDoesNotLink() throws IOException, InterruptedException {
    Path library = new PluginJar()
        .source("lib.Gone", "package lib; public class Gone { public static short level() { return 1; } }")
        .write(temporary.resolve("lib.jar"));
    new PluginJar().source("module-info", "module unlinked { requires org.spikellm.api; requires static lib; "
        + "provides org.spikellm.api.NeuronModel with unlinked.Neuron; }").library(library)
        .source("unlinked.Neuron", PluginJar.neuron("unlinked", "unlinked", "spikes[0] = lib.Gone.level();"))
        .write(plugins.resolve("unlinked.jar"));
    blamed(quantize("--neuron", "unlinked"), "neuron 'unlinked'", "unlinked.jar", "NoClassDefFoundError", "lib/Gone");
  }

  @Test
  void aDetectorWithScoresThatAreNone() throws IOException, InterruptedException {
    detector("nans", "float[] s = new float[weight.columns()]; s[2] = Float.NaN; return s;");
    detector("shorter", "return new float[3];");
    detector("nothing", "return null;");
    detector("reader", "throw new java.io.UncheckedIOException(new java.io.IOException(\"no such table\"));");
    blamed(quantize("--salience", "nans"), "detector 'nans'", "nans.jar", "NaN for channel 2");
    blamed(quantize("--salience", "shorter"), "detector 'shorter'", "shorter.jar", "3 numbers", "channels");
    blamed(Program.run(quantization("--salience", "nothing")), "detector 'nothing'", "nothing.jar", "returned nothing");
    blamed(Program.run(quantization("--salience", "reader")), "detector 'reader'", "reader.jar", "score threw", "no such table");
  }

  @Test
  void aBackendThatMultipliesWrong() throws IOException {
    String backend = """
        package wrong;
        import org.spikellm.api.*;
        public class Backend implements ComputeBackend {
          public String id() { return "wrong"; }
          public Availability probe() { return new Availability.Available("nothing", 1000); }
          public Session open(int threads) {
            return new Session() {
              public void matmul(Tensor a, Tensor b, Tensor out) { %s }
              public SpikingLinear prepare(QuantizedWeight weight) { return null; }
              public void close() {}
            };
          }
        }
        """;
    String module = "module wrong { requires org.spikellm.api; provides org.spikellm.api.ComputeBackend with wrong.Backend; }";
    new PluginJar().source("module-info", module).source("wrong.Backend", backend.formatted("out.setFloat(0, 0, 7);"))
        .write(plugins.resolve("wrong.jar"));
    blamed(Program.run(quantization()), "backend 'wrong'", "wrong.jar", "matmul of a product that is 19.0 made 7.0");
    new PluginJar().source("module-info", module).source("wrong.Backend",
        backend.formatted("throw new ArithmeticException(\"no\");"))
        .write(plugins.resolve("wrong.jar"));
    blamed(Program.run(quantization()), "backend 'wrong'", "wrong.jar", "matmul threw ArithmeticException: no");
    assertEquals(0, Program.run(quantization("--backend", "reference")).status());
  }

  private static String template(String file) throws IOException {
    try (InputStream in = Main.class.getResourceAsStream("/org/spikellm/launcher/templates/backend/" + file)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The small product of the start is right, and the head's of the first token is not. */
  @Test
  void aBackendThatGoesWrongLater() throws IOException {
    String right = "out.setFloat(i, j, (float) sum);";
    String backend = template("PlainBackend.java");
    assertTrue(backend.contains(right), backend);
    new PluginJar().source("module-info", template("module-info.java")).source("com.example.plain.PlainBackend",
        backend.replace(right, "out.setFloat(i, j, b.rows() > 1000 ? Float.NaN : (float) sum);"))
        .write(plugins.resolve("later.jar"));
    Program run = Program.run("generate", ModelCopy.ORIGINAL.toString(), "--prompt", "Once", "--plugins",
        plugins.toString(), "--backend", "plain", "--max-tokens", "2", "--json");
    blamed(run, "backend 'plain'", "later.jar", "matmul made numbers that are not finite");
  }

  @Test
  void aBackendWhoseProbeThrowsOrLoopsIsUnavailable() throws IOException, InterruptedException {
    String probe = "while (true) { Thread.onSpinWait(); }";
    new PluginJar().source("module-info",
        "module looper { requires org.spikellm.api; provides org.spikellm.api.ComputeBackend with looper.Backend; }")
        .source("looper.Backend", """
            package looper;
            import org.spikellm.api.*;
            public class Backend implements ComputeBackend {
              public String id() { return "looper"; }
              public Availability probe() { %s }
              public Session open(int threads) { throw new IllegalStateException(); }
            }
            """.formatted(probe)).write(plugins.resolve("looper.jar"));
    Program list = run("providers", "--plugins", plugins.toString());
    assertEquals(0, list.status(), list.err());
    String line = list.out().lines().filter(l -> l.contains("looper")).findFirst().orElseThrow();
    assertTrue(line.contains("unavailable: its probe failed: it did not answer within") && line.contains("looper.jar"), line);
    assertTrue(list.out().contains("reference"), list.out());
    assertTrue(list.err().contains("warning: looper.jar (looper) left a thread running"), list.err());
  }

  /** A thread that never ends, known by what it runs, and one that a pool left waiting, known by its context; what the neuron makes is used all the same. */
  @Test
  void aNeuronThatLeavesThreads() throws IOException, InterruptedException {
    String start = """
        static final java.util.concurrent.ExecutorService POOL = java.util.concurrent.Executors.newFixedThreadPool(1);
        static {
          POOL.submit(() -> { });
          Thread endless = new Thread(() -> { while (true) { java.util.concurrent.locks.LockSupport.park(); } }, "endless");
          endless.setContextClassLoader(null);
          endless.start();
        }
        public boolean collapsible() { return true""";
    new PluginJar().source("module-info",
        "module leaky { requires org.spikellm.api; provides org.spikellm.api.NeuronModel with leaky.Neuron; }")
        .source("leaky.Neuron", PluginJar.neuron("leaky", "leaky", "")
        .replace("public boolean collapsible() { return false", start))
        .write(plugins.resolve("leaky.jar"));
    for (String way : List.of("--plugins", "--module-path")) {
      Program run = run("quantize", ModelCopy.ORIGINAL.toString(), out.resolveSibling("of" + way).toString(), way,
          plugins.toString(), "--neuron", "leaky", "--pipeline", "rtn", "--samples", "1", "--sequence", "16", "--quiet");
      assertEquals(0, run.status(), run.err());
      assertEquals(1, run.complaints().size(), run.err());
      assertTrue(run.err().startsWith("warning: leaky.jar (leaky) left 2 threads running: 'endless', 'pool-"), run.err());
    }
  }

  /** All of them lie there, and a good one is not disturbed. */
  @Test
  void badOnesBesideDisturbNobody() throws IOException, InterruptedException {
    PluginJar.module("good", "good", "java.util.Arrays.fill(spikes, (short) 0);").write(plugins.resolve("good.jar"));
    PluginJar.module("thrower", "thrower", "throw new IllegalStateException(\"tired\");").write(plugins.resolve("thrower.jar"));
    PluginJar.module("unborn", "unborn", "").source("unborn.Neuron", PluginJar.neuron("unborn", "unborn", "").replace(
        "public boolean collapsible",
        "public Neuron() { throw new NoClassDefFoundError(\"lib/Gone\"); } public boolean collapsible"))
        .write(plugins.resolve("unborn.jar"));
    Files.writeString(plugins.resolve("junk.jar"), "junk");
    detector("nans", "float[] s = new float[weight.columns()]; s[2] = Float.NaN; return s;");
    for (String way : List.of("--plugins", "--module-path")) {
      Program list = Program.run("providers", way, plugins.toString());
      assertEquals(0, list.status(), list.err());
      for (String part : new String[] {"unborn.jar (unborn)", "failed: NoClassDefFoundError: lib/Gone", "junk.jar"}) {
        assertTrue(list.out().contains(part), "no '" + part + "' in: " + list.out());
      }
    }
    Program run = quantize("--neuron", "good");
    assertEquals(0, run.status(), run.err());
  }

  /** After the blocks that were finished the run goes on when the plug-in does what it should. */
  @Test
  void finishedBlocksSurvive() throws IOException {
    Path flag = Files.writeString(temporary.resolve("fail"), "");
    detector("moody", "if (inputs.tokens() > 0 && calls++ >= 8 && java.nio.file.Files.exists(java.nio.file.Path.of(\"" + flag
        + "\"))) throw new IllegalStateException(\"moody\"); "
        + "return new float[weight.columns()]; } static int calls; int unused() { return 0;");
    blamed(Program.run(quantization("--salience", "moody")), "moody.jar", "score threw moody");
    Files.delete(flag);
    Program again = Program.run(quantization("--salience", "moody", "--json"));
    assertEquals(0, again.status(), again.err());
    assertTrue(again.out().contains("\"resumed_blocks\":1"), again.out());
    String made = Files.readString(out.resolve("config.json")).replaceAll("\\s", "");
    assertTrue(made.contains("\"jar\":\"moody.jar\""), made);
  }
}
