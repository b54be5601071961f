package org.spikellm.launcher.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleActivator;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Provider;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Kind;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Registry;

/** What may lie in a directory of plug-ins. */
class BundlesTest {

  private static final String API = "org.spikellm.api;version=\"[0.1,1)\"";

  @TempDir
  private Path directory;

  private List<Listing> listings() throws IOException {
    try (Plugins plugins = Plugins.open(directory)) {
      return plugins.listings();
    }
  }

  private Listing only() throws IOException {
    List<Listing> all = listings();
    assertEquals(1, all.size(), all.toString());
    return all.getFirst();
  }

  private void fails(String... parts) throws IOException {
    PluginJar.module("fine", "fine", "").write(directory.resolve("fine.jar"));
    List<Listing> all = listings();
    assertTrue(all.stream().anyMatch(listing -> listing.id().equals("fine") && listing.state() == Listing.State.LOADED),
        all.toString());
    Listing failed = all.stream().filter(listing -> listing.state() == Listing.State.FAILED).findFirst().orElseThrow();
    assertEquals(2, all.size(), all.toString());
    for (String part : parts) {
      assertTrue((failed.origin() + ": " + failed.reason()).contains(part), failed.reason());
    }
  }

  @Test
  void aDirectoryWithoutJarsStartsNothing() throws IOException {
    Files.writeString(directory.resolve("README.md"), "no jar");
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    try (Plugins plugins = Plugins.open(directory)) {
      assertEquals(List.of(), plugins.listings());
      assertEquals(List.of(), Thread.getAllStackTraces().keySet().stream()
          .filter(t -> !before.contains(t) && t.getName().contains("Felix"))
          .toList());
    }
  }

  @Test
  void aPlainModuleIsWrapped() throws IOException {
    Path jar = PluginJar.module("plain", "plain", "spikes[0] = 3;").write(directory.resolve("plain.jar"));
    try (Plugins plugins = Plugins.open(directory)) {
      Listing listing = plugins.listings().getFirst();
      assertNull(listing.reason());
      assertEquals("bundle", listing.origin().way().label());
      assertEquals(jar, listing.origin().jar());
      NeuronModel neuron = new Registry(plugins.listings(), List.of(), Map.of()).find(NeuronModel.class, "plain");
      short[] spikes = new short[1];
      neuron.step(new float[1], new float[1], new Dynamics(1, 1, 0, 3, 1), spikes);
      assertEquals(3, spikes[0]);
    }
  }

  @Test
  void closingEndsTheThreadsOfTheFramework() throws IOException, InterruptedException {
    PluginJar.module("plain", "plain", "").write(directory.resolve("plain.jar"));
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    listings();
    for (Thread thread : Thread.getAllStackTraces().keySet()) {
      if (!before.contains(thread) && thread.getName().contains("Felix")) {
        thread.join(10_000);
        assertFalse(thread.isAlive(), thread.getName());
      }
    }
  }

  @Test
  void aModuleMayUseAnotherJarsPackages() throws IOException {
    Path library = new PluginJar().source("module-info", "module lib { exports lib; }")
        .source("lib.Name", "package lib; public class Name { public static final String ID = new String(\"from-lib\"); }")
        .write(directory.resolve("z-lib.jar"));
    PluginJar.module("user", "(lib.Name.ID)", "").source("module-info", "module user { requires org.spikellm.api; requires lib; "
        + "provides org.spikellm.api.NeuronModel with user.Neuron; }").library(library).write(directory.resolve("a-user.jar"));
    Listing listing = only();
    assertEquals("from-lib", listing.id(), listing.reason());
  }

  @Test
  void aModuleThatRequiresWhatIsNotThereFails() throws IOException {
    Path library = new PluginJar().source("module-info", "module lib { exports lib; }")
        .source("lib.X", "package lib; public class X {}")
        .write(directory.resolve("lib.jar"));
    PluginJar.module("user", "user", "").source("module-info", "module user { requires org.spikellm.api; requires lib; "
        + "provides org.spikellm.api.NeuronModel with user.Neuron; }").library(library).write(directory.resolve("user.jar"));
    Files.delete(library);
    fails("user.jar", "requires module lib");
  }

  @Test
  void whatIsNoJarFails() throws IOException {
    Files.writeString(directory.resolve("junk.jar"), "junk");
    fails("junk.jar");
  }

  @Test
  void aLinkThatLeadsNowhereFails() throws IOException {
    try {
      Files.createSymbolicLink(directory.resolve("link.jar"), directory.resolve("gone.jar"));
    } catch (UnsupportedOperationException e) {
      assumeTrue(false, "there are no symbolic links here");
    }
    fails("link.jar", "cannot be read as a jar: not found");
  }

  @Test
  void aLinkIsFollowed() throws IOException {
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    PluginJar.module("plain", "plain", "").write(elsewhere.resolve("plain-1.0.jar"));
    try {
      Files.createSymbolicLink(directory.resolve("plain.jar"), Path.of("elsewhere", "plain-1.0.jar"));
    } catch (UnsupportedOperationException e) {
      assumeTrue(false, "there are no symbolic links here");
    }
    assertEquals("plain", only().id());
  }

  @Test
  void aConstructorThatDoesNotLinkIsListed() throws IOException {
    PluginJar.module("unborn", "unborn", "").source("unborn.Neuron", PluginJar.neuron("unborn", "unborn", "").replace(
        "public boolean collapsible",
        "public Neuron() { throw new NoClassDefFoundError(\"lib/Gone\"); } public boolean collapsible"))
        .write(directory.resolve("unborn.jar"));
    fails("unborn.jar", "NoClassDefFoundError: lib/Gone");
  }

  /** Libraries look for services with the loader of the context. */
  @Test
  void theContextFindsTheClassesOfThePlugin() throws IOException {
    String find = "(find())";
    PluginJar.module("finder", find, "").source("finder.Neuron", PluginJar.neuron("finder", find, "")
        .replaceFirst("public boolean", """
        static String find() {
          try {
            Class<?> found = Thread.currentThread().getContextClassLoader().loadClass("finder.Neuron");
            return found == Neuron.class ? "itself" : "another";
          } catch (ClassNotFoundException e) {
            return "nothing";
          }
        }
        public boolean""")).write(directory.resolve("finder.jar"));
    assertEquals("itself", only().id());
  }

  @Test
  void aJarThatIsNeitherModuleNorBundleFails() throws IOException {
    new PluginJar().entry("x/readme", new byte[1]).write(directory.resolve("lib.jar"));
    fails("lib.jar", "neither a module", "nor a bundle");
  }

  @Test
  void aBundleForAnotherMajorVersionIsRefused() throws IOException {
    PluginJar.bundle("later").header("Import-Package", "org.spikellm.api;version=\"[7,8)\"").source("later.Neuron",
        PluginJar.neuron("later", "later", "")).write(directory.resolve("later.jar"));
    fails("later.jar", "needs package org.spikellm.api of version 7.0.0 or later, before 8.0.0", "this program has version 0.1");
  }

  @Test
  void aModuleForAnotherVersionOfTheApiIsRefused() {
    for (String version : new String[] {"7.0", "0.2-SNAPSHOT", "1"}) {
      ModuleDescriptor module = ModuleDescriptor.newModule("m")
          .requires(Set.of(), "org.spikellm.api", ModuleDescriptor.Version.parse(version)).build();
      assertTrue(ApiVersion.refusal(module).orElseThrow().contains("this program has 0.1"), version);
    }
    assertTrue(ApiVersion.refusal(Provider.class.getModule().getDescriptor()).isEmpty());
    assertTrue(ApiVersion.refusal(ModuleDescriptor.newModule("m")
        .requires(Set.of(), "org.spikellm.api", ModuleDescriptor.Version.parse("0.1.7")).build()).isEmpty());
  }

  @Test
  void aBundleHasPrivateDependencies() throws IOException {
    Path library = new PluginJar()
        .source("lib.Name", "package lib; public class Name { public static String id() { return \"inner\"; } }")
        .write(directory.resolve("lib.jar"));
    byte[] inner = Files.readAllBytes(library);
    PluginJar.bundle("outer").header("Import-Package", API).header("Bundle-ClassPath", ".,lib/inner.jar")
        .entry("lib/inner.jar", inner)
        .entry("META-INF/services/org.spikellm.api.NeuronModel", "outer.Neuron # one\n".getBytes(StandardCharsets.UTF_8))
        .source("outer.Neuron", PluginJar.neuron("outer", "(lib.Name.id())", "")).library(library)
        .write(directory.resolve("outer.jar"));
    Files.delete(library);
    assertEquals("inner", only().id());
  }

  @Test
  void anActivatorRegistersServices() throws IOException {
    PluginJar.bundle("active").header("Import-Package", API + ",org.osgi.framework;version=\"[1.8,2)\"")
        .header("Bundle-Activator", "active.Activator").library(PluginJar.location(BundleActivator.class))
        .source("active.Neuron", PluginJar.neuron("active", "active", "")).source("active.Activator", """
            package active;
            import org.osgi.framework.*;
            public class Activator implements BundleActivator {
              public void start(BundleContext context) {
                context.registerService(org.spikellm.api.NeuronModel.class, new Neuron(), null);
              }
              public void stop(BundleContext context) {}
            }
            """).write(directory.resolve("active.jar"));
    assertEquals("active", only().id());
  }

  @Test
  void anActivatorThatFailsIsListed() throws IOException {
    PluginJar.bundle("active").header("Import-Package", API + ",org.osgi.framework")
        .header("Bundle-Activator", "active.Activator")
        .library(PluginJar.location(BundleActivator.class)).source("active.Activator", """
            package active;
            import org.osgi.framework.*;
            public class Activator implements BundleActivator {
              public void start(BundleContext context) { throw new IllegalStateException("no licence"); }
              public void stop(BundleContext context) {}
            }
            """).write(directory.resolve("active.jar"));
    fails("active.jar", "activator", "no licence");
  }

  @Test
  void theProgramsOwnPackagesAreNotVisible() throws IOException {
    PluginJar.bundle("curious").header("Import-Package", API + ",org.spikellm.launcher.registry").source("curious.Neuron",
        PluginJar.neuron("curious", "curious", "")).write(directory.resolve("curious.jar"));
    fails("curious.jar", "org.spikellm.launcher.registry", "no open module has it");
  }

  @Test
  void norAreItsClassesByName() throws IOException {
    String look = "(look())";
    PluginJar.module("looker", look, "").source("looker.Neuron",
        PluginJar.neuron("looker", look, "").replaceFirst("public boolean", """
        static String look() {
          for (String name : new String[] {"org.spikellm.launcher.cli.Main", "picocli.CommandLine",
              "org.spikellm.neurons.IntegrateFire"}) {
            try {
              return "found-" + Class.forName(name).getSimpleName().toLowerCase();
            } catch (ClassNotFoundException e) { }
          }
          return "nothing-found";
        }
        public boolean""")).write(directory.resolve("looker.jar"));
    assertEquals("nothing-found", only().id());
  }

  @Test
  void vectorsWorkInsideABundle() throws IOException {
    String add = "(\"v\" + (int) jdk.incubator.vector.FloatVector.broadcast(jdk.incubator.vector.FloatVector.SPECIES_128, 2f)"
        + ".reduceLanes(jdk.incubator.vector.VectorOperators.ADD))";
    PluginJar.module("vectors", add, "").source("module-info",
        "module vectors { requires org.spikellm.api; requires jdk.incubator.vector; "
        + "provides org.spikellm.api.NeuronModel with vectors.Neuron; }").write(directory.resolve("vectors.jar"));
    assertEquals("v8", only().id());
  }

  @Test
  void nativeCodeWorksInsideABundle() throws IOException, InterruptedException {
    Path source = Files.writeString(directory.resolve("answer.c"), "int answer(void) { return 42; }\n");
    Path library = directory.resolve("libanswer.so");
    assumeTrue(System.getProperty("os.name").equals("Linux") && System.getProperty("os.arch").equals("amd64"),
        "the header names Linux");
    assumeTrue(compiles(source, library), "there is no C compiler");
    String call = "(call())";
    PluginJar.bundle("natives").header("Import-Package", API)
        .header("Bundle-NativeCode", "libanswer.so;osname=linux;processor=x86-64")
        .entry("libanswer.so", Files.readAllBytes(library))
        .entry("META-INF/services/org.spikellm.api.NeuronModel", "natives.Neuron".getBytes(StandardCharsets.UTF_8))
        .source("natives.Neuron", PluginJar.neuron("natives", call, "").replaceFirst("public boolean", """
            static String call() {
              System.loadLibrary("answer");
              try {
                return "a" + (int) java.lang.foreign.Linker.nativeLinker().downcallHandle(
                    java.lang.foreign.SymbolLookup.loaderLookup().findOrThrow("answer"),
                    java.lang.foreign.FunctionDescriptor.of(java.lang.foreign.ValueLayout.JAVA_INT)).invokeExact();
              } catch (Throwable e) {
                throw new IllegalStateException(e);
              }
            }
            public boolean""")).write(directory.resolve("natives.jar"));
    Listing listing = only();
    assertEquals("a42", listing.id(), listing.reason());
  }

  private static boolean compiles(Path source, Path library) throws InterruptedException {
    try {
      return new ProcessBuilder("gcc", "-shared", "-fPIC", "-o", library.toString(), source.toString()).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aProviderThatThrowsIsListed() throws IOException {
    PluginJar.module("thrower", "(throwing())", "").source("thrower.Neuron", PluginJar.neuron("thrower", "(throwing())", "")
        .replaceFirst("public boolean",
        "static String throwing() { throw new IllegalArgumentException(\"in id\"); }\n  public boolean"))
        .write(directory.resolve("thrower.jar"));
    fails("thrower.jar", "IllegalArgumentException: in id");
  }

  @Test
  void aClassThatDoesNotLinkIsListed() throws IOException {
    Path library = new PluginJar()
        .source("lib.Name", "package lib; public class Name { public static String id() { return \"x\"; } }")
        .write(directory.resolve("lib.jar"));
    PluginJar.bundle("unlinked").header("Import-Package", API)
        .entry("META-INF/services/org.spikellm.api.NeuronModel", "unlinked.Neuron".getBytes(StandardCharsets.UTF_8))
        .source("unlinked.Neuron", PluginJar.neuron("unlinked", "(lib.Name.id())", "")).library(library)
        .write(directory.resolve("unlinked.jar"));
    Files.delete(library);
    fails("unlinked.jar", "NoClassDefFoundError", "lib/Name");
  }

  @Test
  void oneThatDoesNotComeBackIsListed() throws IOException {
    PluginJar.module("looper", "(looping())", "").source("looper.Neuron",
        PluginJar.neuron("looper", "(looping())", "").replaceFirst(
        "public boolean", "static String looping() { while (true) { Thread.onSpinWait(); "
            + " if (Thread.interrupted()) { return \"\"; } } }\n"
            + "  public boolean")).write(directory.resolve("looper.jar"));
    fails("looper.jar", "did not answer within");
    Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().contains("looper")).forEach(Thread::interrupt);
  }

  @Test
  void kindsAreListedApart() throws IOException {
    PluginJar.module("plain", "plain", "").write(directory.resolve("plain.jar"));
    assertEquals(Kind.NEURON, only().kind());
  }
}
