package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Projects that are written for authors of plug-ins. */
class ProjectTemplateTest {

  @TempDir
  private Path temporary;

  /** Everything the tests run with. */
  private static String path() {
    return Stream.of("jdk.module.path", "java.class.path").map(System::getProperty)
        .flatMap(list -> Stream.of(list.split(File.pathSeparator)))
        .filter(entry -> !entry.isEmpty() && !entry.endsWith("test-classes")).distinct()
        .collect(Collectors.joining(File.pathSeparator));
  }

  private void compile(Path out, String option, List<Path> sources) {
    StringWriter said = new StringWriter();
    int status = ToolProvider.findFirst("javac").orElseThrow().run(new PrintWriter(said), new PrintWriter(said), Stream.concat(
        Stream.of("-Xlint:all,-module,-path,-classfile", "-Werror", option, path() + File.pathSeparator
        + temporary.resolve("main"), "-d",
            out.toString()), sources.stream().map(Path::toString)).toArray(String[]::new));
    assertEquals(0, status, said.toString());
  }

  @ParameterizedTest
  @EnumSource
  void theProjectCompiles(ProjectTemplate template) throws IOException {
    Path project = temporary.resolve("project");
    Path formula = template.write(project);
    Path test = project.resolve(project.relativize(formula).toString().replace("src/main", "src/test")
        .replace(".java", "Test.java"));
    compile(temporary.resolve("main"), "--module-path", List.of(project.resolve("src/main/java/module-info.java"), formula));
    compile(temporary.resolve("test"), "--class-path", List.of(test));
    for (String file : List.of("pom.xml", "README.md")) {
      assertFalse(Files.readString(project.resolve(file)).matches("(?s).*@[A-Z]+@.*"), file);
    }
    assertThrows(IOException.class, () -> template.write(project));
  }

  @ParameterizedTest
  @EnumSource
  void theReadmeNamesTheProviderAndItsFiles(ProjectTemplate template) throws IOException {
    Path project = temporary.resolve("project");
    Path formula = template.write(project);
    String readme = Files.readString(project.resolve("README.md"));
    assertTrue(readme.contains(project.relativize(formula).toString()), readme);
    assertTrue(readme.contains("mvn package"), readme);
    String id = Files.readString(formula).replaceFirst("(?s).*String id\\(\\) \\{\\s*return \"([^\"]+)\".*", "$1");
    assertTrue(readme.contains("--verify " + id + "\n"), readme);
  }
}
