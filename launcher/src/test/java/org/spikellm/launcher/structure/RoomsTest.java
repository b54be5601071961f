package org.spikellm.launcher.structure;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Who may know whom: what the layout of the project promises, checked on the compiled classes. */
class RoomsTest {

  private static final List<String> MODULES = List.of("../api/core", "../api/model", "../api/tck", "../neurons", "../quantizers",
      "../backends/reference", "../backends/simd", "../backends/native", "../backends/vulkan", "../launcher");
  private static final String API = "org.spikellm.api..";
  private static final String MODEL = "org.spikellm.model..";

  private static JavaClasses all;

  @BeforeAll
  static void read() {
    all = new ClassFileImporter().importPaths(MODULES.stream().map(module -> Path.of(module, "target/classes")).toList());
  }

  @Test
  void theClassesWereRead() {
    for (String room : List.of("api", "model", "tck", "neurons", "quantizers", "backend.reference", "backend.simd",
        "backend.nativecode", "backend.vulkan", "launcher.cli", "launcher.plugin", "launcher.registry", "launcher.report", "launcher.tasks",
        "launcher.text", "launcher.workflow")) {
      assertTrue(all.stream().anyMatch(c -> c.getPackageName().startsWith("org.spikellm." + room)), "no class of " + room + " was read");
    }
    assertTrue(all.size() > 150, all.size() + " classes were read");
  }

  @Test
  void theApiKnowsOnlyJava() {
    classes().that().resideInAPackage(API).should().onlyDependOnClassesThat().resideInAnyPackage(API, "java..").check(all);
  }

  @Test
  void theModelKnowsTheApiAndItsJsonParser() {
    classes().that().resideInAPackage(MODEL).should().onlyDependOnClassesThat()
        .resideInAnyPackage(API, MODEL, "java..", "tools.jackson.core..").check(all);
    onlyIn("org.spikellm.model", "tools.jackson..");
  }

  @Test
  void providersKnowTheApiAndNotEachOther() {
    for (String room : List.of("org.spikellm.neurons..", "org.spikellm.quantizers..", "org.spikellm.backend.reference..",
        "org.spikellm.backend.simd..", "org.spikellm.backend.nativecode..", "org.spikellm.backend.vulkan..")) {
      classes().that().resideInAPackage(room).should().onlyDependOnClassesThat()
          .resideInAnyPackage(room, API, MODEL, "java..", "jdk.incubator.vector..", "com.sun.jna..", "org.lwjgl..")
          .check(all);
    }
  }

  @Test
  void nobodyKnowsAProviderAtCompileTime() {
    noClasses().that().resideInAnyPackage("org.spikellm.launcher..", API, MODEL, "org.spikellm.tck..").should().dependOnClassesThat()
        .resideInAnyPackage("org.spikellm.neurons..", "org.spikellm.quantizers..", "org.spikellm.backend..").check(all);
  }

  @Test
  void librariesStayInTheirRooms() {
    onlyIn("org.spikellm.backend.simd", "jdk.incubator.vector..");
    onlyIn("org.spikellm.backend.nativecode", "com.sun.jna..");
    onlyIn("org.spikellm.backend.vulkan", "org.lwjgl..");
    onlyIn("org.spikellm.launcher.cli", "picocli..");
    onlyIn("org.spikellm.launcher.cli", "me.tongfei..");
    onlyIn("org.spikellm.launcher.plugin", "org.osgi..");
    onlyIn("org.spikellm.launcher.plugin", "org.apache.felix..");
    onlyIn("org.spikellm.launcher.text", "ai.djl..");
    onlyIn("org.spikellm.launcher.text", "com.hubspot..");
  }

  @Test
  void theWorkflowDoesNotKnowWhoReportsOnIt() {
    noClasses().that().resideInAnyPackage("org.spikellm.launcher.workflow..", "org.spikellm.launcher.tasks..").should()
        .dependOnClassesThat().resideInAnyPackage("org.spikellm.launcher.report..", "org.spikellm.launcher.cli..").check(all);
  }

  @Test
  void onlyTheCommandLineUsesTheStandardStreams() {
    noClasses().that(not(resideInAPackage("org.spikellm.launcher.cli.."))).should()
        .accessField(System.class, "out").orShould().accessField(System.class, "err").orShould().accessField(System.class, "in")
        .check(all);
  }

  private static void onlyIn(String room, String library) {
    DescribedPredicate<JavaClass> elsewhere = not(resideInAPackage(room + ".."));
    noClasses().that(elsewhere).should().dependOnClassesThat().resideInAPackage(library).check(all);
  }
}
