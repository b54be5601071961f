package org.spikellm.launcher.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.spikellm.api.Provider;

/** A jar that a third party would build: sources are compiled against the API alone. */
public final class PluginJar {

  private final Map<String, String> sources = new LinkedHashMap<>();
  private final Map<String, byte[]> entries = new LinkedHashMap<>();
  private final Manifest manifest = new Manifest();
  private final List<Path> libraries = new ArrayList<>();

  public PluginJar() {
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
  }

  /** A real bundle. */
  static PluginJar bundle(String name) {
    return new PluginJar().header("Bundle-ManifestVersion", "2").header("Bundle-SymbolicName", name)
        .header("Bundle-Version", "1.0.0");
  }

  /** A plain module named {@code name} that provides the one neuron of {@link #neuron}. */
  public static PluginJar module(String name, String id, String step) {
    return new PluginJar().source("module-info", "module " + name + " { requires org.spikellm.api; "
        + "provides org.spikellm.api.NeuronModel with " + name + ".Neuron; }").source(name + ".Neuron", neuron(name, id, step));
  }

  /** The source of a neuron {@code Neuron} that is not collapsible. */
  public static String neuron(String packageName, String id, String step) {
    return """
        package %s;
        import org.spikellm.api.*;
        public class Neuron implements NeuronModel {
          public String id() { return %s; }
          public Dynamics dynamics(int bits, int timeSteps) { return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps); }
          public boolean collapsible() { return false; }
          public void step(float[] input, float[] potential, Dynamics d, short[] spikes) {
            %s
          }
        }
        """.formatted(packageName, id.startsWith("(") ? id : "\"" + id + "\"", step);
  }

  /** A class, or module-info. */
  public PluginJar source(String name, String text) {
    sources.put(name, text);
    return this;
  }

  PluginJar header(String name, String value) {
    manifest.getMainAttributes().putValue(name, value);
    return this;
  }

  PluginJar entry(String name, byte[] content) {
    entries.put(name, content);
    return this;
  }

  /** What it is compiled with, besides the API. */
  public PluginJar library(Path jar) {
    libraries.add(jar);
    return this;
  }

  /** Compiles, and writes the jar whole. */
  public Path write(Path jar) throws IOException {
    Path work = Files.createTempDirectory("plugin");
    List<String> files = new ArrayList<>();
    for (Map.Entry<String, String> source : sources.entrySet()) {
      Path file = work.resolve("src").resolve(source.getKey().replace('.', '/') + ".java");
      Files.createDirectories(file.getParent());
      files.add(Files.writeString(file, source.getValue()).toString());
    }
    Path classes = Files.createDirectories(work.resolve("classes"));
    if (!files.isEmpty()) {
      String path = Stream.concat(Stream.of(location(Provider.class)), libraries.stream()).map(Path::toString)
          .reduce((a, b) -> a + File.pathSeparator + b).orElseThrow();
      StringWriter said = new StringWriter();
      int status = ToolProvider.findFirst("javac").orElseThrow()
          .run(new PrintWriter(said), new PrintWriter(said), Stream.concat(Stream.of(
          "-nowarn", "-p", path, "-cp", path, "--add-modules", "jdk.incubator.vector", "-d", classes.toString()), files.stream())
          .toArray(String[]::new));
      assertEquals(0, status, said.toString());
    }
    try (Stream<Path> made = Files.walk(classes)) {
      for (Path file : made.filter(Files::isRegularFile).toList()) {
        entries.put(classes.relativize(file).toString().replace('\\', '/'), Files.readAllBytes(file));
      }
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream out = new JarOutputStream(bytes, manifest)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        out.putNextEntry(new JarEntry(entry.getKey()));
        out.write(entry.getValue());
      }
    }
    try (Stream<Path> made = Files.walk(work)) {
      for (Path file : made.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    return Files.write(jar, bytes.toByteArray());
  }

  static Path location(Class<?> type) {
    return Path.of(type.getModule().getLayer().configuration().findModule(type.getModule().getName()).orElseThrow().reference()
        .location()
        .orElseThrow());
  }
}
