package org.spikellm.launcher.workflow;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.model.CheckpointException;

/** A Maven project with one provider, for somebody who wants to write another one. */
public enum ProjectTemplate {
  NEURON("A neuron with an adaptive threshold", "adaptive", "adaptive-neuron", "com.example.adaptive", "AdaptiveThreshold",
      List.of(), """
          spikellm quantize MODEL OUT --plugins target --neuron adaptive --pipeline rtn
          spikellm evaluate MODEL OUT --plugins target --text FILE
      """),
  SALIENCE("A salience detector: the energy of columns", "energy", "energy-salience", "com.example.energy", "ColumnEnergy",
      List.of("spikellm-backend-reference:test"), """
          spikellm quantize MODEL OUT --plugins target --salience energy --pipeline rtn
      """),
  PIPELINE("A quantization pipeline that looks for the best clipping", "clip-search", "clip-search-pipeline",
      "com.example.clipsearch",
      "ClipSearch", List.of("spikellm-model:provided", "spikellm-backend-reference:test"), """
          spikellm quantize MODEL OUT --plugins target --pipeline clip-search
      """),
  BACKEND("A compute backend in plain Java", "plain", "plain-backend", "com.example.plain", "PlainBackend", List.of(), """
          spikellm generate MODEL --plugins target --backend plain --prompt "Once upon a time"
      """);

  private static final String RESOURCES = "/org/spikellm/launcher/templates/";

  private final String title;
  private final String id;
  private final String artifact;
  private final String packageName;
  private final String className;
  private final List<String> dependencies;
  private final String use;

  /**
   * @param dependencies artifacts of this project beside the API and the TCK, each with its scope
   * @param use commands that use the provider
   */
  ProjectTemplate(String title, String id, String artifact, String packageName, String className, List<String> dependencies,
      String use) {
    this.title = title;
    this.id = id;
    this.artifact = artifact;
    this.packageName = packageName;
    this.className = className;
    this.dependencies = dependencies;
    this.use = use;
  }

  /** The template of that name, in lower case. */
  public static Optional<ProjectTemplate> named(String name) {
    return Stream.of(values()).filter(template -> template.label().equals(name)).findFirst();
  }

  /** Its name. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Writes the project.
   *
   * @param directory does not exist, or is empty
   * @return the file with the formula
   */
  public Path write(Path directory) throws IOException {
    if (Files.exists(directory) && (!Files.isDirectory(directory) || !isEmpty(directory))) {
      throw new CheckpointException(directory + ": expected a directory that does not exist or is empty; choose another");
    }
    String sources = packageName.replace('.', '/') + "/" + className;
    Path source = directory.resolve("src/main/java/" + sources + ".java");
    Path test = directory.resolve("src/test/java/" + sources + "Test.java");
    Map<String, String> values = Map.of("@TITLE@", title, "@ID@", id, "@ARTIFACT@", artifact, "@VERSION@",
        ApiVersion.program(),
        "@SOURCE@", directory.relativize(source).toString(), "@TEST@", directory.relativize(test).toString(),
        "@DEPENDENCIES@", dependencies(), "@USE@", use.indent(0));
    copy("pom.xml", directory.resolve("pom.xml"), values);
    copy("README.md", directory.resolve("README.md"), values);
    copy(label() + "/module-info.java", directory.resolve("src/main/java/module-info.java"), values);
    copy(label() + "/" + className + ".java", source, values);
    copy(label() + "/" + className + "Test.java", test, values);
    return source;
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> children = Files.list(directory)) {
      return children.findAny().isEmpty();
    }
  }

  private static void copy(String resource, Path file, Map<String, String> values) throws IOException {
    String text;
    try (InputStream in = ProjectTemplate.class.getResourceAsStream(RESOURCES + resource)) {
      text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    for (Map.Entry<String, String> value : values.entrySet()) {
      text = text.replace(value.getKey(), value.getValue());
    }
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private String dependencies() {
    List<String> all = new ArrayList<>(List.of("spikellm-api:provided"));
    all.addAll(dependencies);
    all.add("spikellm-tck:test");
    StringBuilder text = new StringBuilder();
    for (String dependency : all) {
      int colon = dependency.indexOf(':');
      text.append("""
              <dependency>
                <groupId>org.spikellm</groupId>
                <artifactId>%s</artifactId>
                <version>${spikellm.version}</version>
                <scope>%s</scope>
              </dependency>
          """.formatted(dependency.substring(0, colon), dependency.substring(colon + 1)));
    }
    return text.toString();
  }
}
