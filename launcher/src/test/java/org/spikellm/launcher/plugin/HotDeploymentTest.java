package org.spikellm.launcher.plugin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleActivator;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.registry.RegistryException;

/** Jars that come, change and go while the program runs. */
class HotDeploymentTest {

  private static final Plugins.Trial ANY = listings -> { };

  @TempDir
  private Path directory;

  private Path write(String file, int level) throws IOException {
    return PluginJar.module("hot", "hot", "spikes[0] = " + level + ";").write(directory.resolve(file));
  }

  /** Twice, since a jar must have been the same once before. */
  private static List<String> update(Plugins plugins, Plugins.Trial trial) throws IOException {
    assertEquals(List.of(), plugins.update(trial));
    return plugins.update(trial);
  }

  private static int fires(Listing listing) {
    short[] spikes = new short[1];
    ((NeuronModel) listing.provider()).step(new float[1], new float[1], new Dynamics(1, 1, 0, 9, 1), spikes);
    return spikes[0];
  }

  private static Listing loaded(Plugins plugins) {
    List<Listing> loaded = plugins.listings().stream().filter(listing -> listing.state() == Listing.State.LOADED).toList();
    assertEquals(1, loaded.size(), plugins.listings().toString());
    return loaded.getFirst();
  }

  @Test
  void aJarIsAddedReplacedAndRemoved() throws IOException {
    try (Plugins plugins = Plugins.open(directory)) {
      Path jar = write("hot.jar", 1);
      assertEquals(List.of("hot.jar was added"), update(plugins, ANY));
      assertEquals(1, fires(loaded(plugins)));
      write("hot.jar", 25);
      assertEquals(List.of("hot.jar was replaced"), update(plugins, ANY));
      assertEquals(25, fires(loaded(plugins)));
      Files.delete(jar);
      assertEquals(List.of("hot.jar was removed"), plugins.update(ANY));
      assertEquals(List.of(), plugins.listings());
      assertEquals(3, plugins.changes());
    }
  }

  @Test
  void aJarThatIsStillBeingCopiedIsNotTouched() throws IOException {
    try (Plugins plugins = Plugins.open(directory)) {
      byte[] whole = Files.readAllBytes(write("hot.jar", 1));
      for (int part = 1; part < 4; part++) {
        Files.write(directory.resolve("hot.jar"), Arrays.copyOf(whole, whole.length * part / 4));
        assertEquals(List.of(), plugins.update(ANY));
      }
      Files.write(directory.resolve("hot.jar"), whole);
      assertEquals(List.of("hot.jar was added"), update(plugins, ANY));
    }
  }

  @Test
  void anUpdateThatFailsLeavesTheOneBefore() throws IOException {
    write("hot.jar", 1);
    try (Plugins plugins = Plugins.open(directory)) {
      Listing before = loaded(plugins);
      Files.writeString(directory.resolve("hot.jar"), "half a jar");
      List<String> notes = update(plugins, ANY);
      assertTrue(notes.getFirst().contains("hot.jar cannot be used") && notes.getFirst().contains("the version before it stays"),
          notes.toString());
      assertSame(before, loaded(plugins));
      assertEquals(1, fires(before));

      PluginJar.module("hot", "Not An Id", "").write(directory.resolve("hot.jar"));
      assertTrue(update(plugins, ANY).getFirst().contains("Not An Id"));
      assertSame(before, loaded(plugins));

      write("hot.jar", 3);
      notes = update(plugins, listings -> {
        throw new RegistryException("two neurons have one id");
      });
      assertTrue(notes.getFirst().contains("two neurons have one id"), notes.toString());
      assertEquals(1, fires(loaded(plugins)));
      assertEquals(2, plugins.listings().size());

      write("hot.jar", 44);
      assertEquals(List.of("hot.jar was replaced"), update(plugins, ANY));
      assertEquals(44, fires(loaded(plugins)));
      assertEquals(1, plugins.listings().size());
    }
  }

  @Test
  void aJarThatCameTooEarlyIsTakenWhenTheOtherComes() throws IOException {
    Path library = new PluginJar().source("module-info", "module lib { exports lib; }")
        .source("lib.Level", "package lib; public class Level { public static final short[] LEVEL = {6}; }")
        .write(Files.createDirectory(directory.resolve("elsewhere")).resolve("lib.jar"));
    try (Plugins plugins = Plugins.open(directory)) {
      PluginJar.module("user", "user", "spikes[0] = lib.Level.LEVEL[0];").source("module-info",
          "module user { requires org.spikellm.api; requires lib; provides org.spikellm.api.NeuronModel with user.Neuron; }")
          .library(library).write(directory.resolve("user.jar"));
      assertTrue(update(plugins, ANY).getFirst().contains("requires module lib"));
      Files.move(library, directory.resolve("lib.jar"));
      assertEquals(List.of("lib.jar was added", "user.jar was added"), update(plugins, ANY));
      assertEquals(6, fires(loaded(plugins)));
    }
  }

  @Test
  void soIsOneThatCouldNotBeUsedFromTheStart() throws IOException {
    Path library = PluginJar.bundle("lib").header("Export-Package", "lib")
        .source("lib.Level", "package lib; public class Level { public static final short[] LEVEL = {6}; }")
        .write(Files.createDirectory(directory.resolve("elsewhere")).resolve("lib.jar"));
    PluginJar.bundle("user").header("Import-Package", "org.spikellm.api,lib").library(library)
        .entry("META-INF/services/org.spikellm.api.NeuronModel", "user.Neuron".getBytes(StandardCharsets.UTF_8))
        .source("user.Neuron", PluginJar.neuron("user", "user", "spikes[0] = lib.Level.LEVEL[0];"))
        .write(directory.resolve("user.jar"));
    try (Plugins plugins = Plugins.open(directory)) {
      assertEquals(Listing.State.FAILED, plugins.listings().getFirst().state());
      Files.move(library, directory.resolve("lib.jar"));
      assertEquals(List.of("lib.jar was added", "user.jar was added"), update(plugins, ANY));
      assertEquals(1, plugins.listings().size());
      assertEquals(6, fires(loaded(plugins)));
    }
  }

  @Test
  void aJarThatWasRefusedIsTakenWhenItsRivalGoes() throws IOException {
    Plugins.Trial oneOfAnId = listings -> new Registry(listings, List.of(), Map.of());
    write("old.jar", 1);
    try (Plugins plugins = Plugins.open(directory)) {
      write("new.jar", 2);
      assertTrue(update(plugins, oneOfAnId).getFirst().contains("two neurons have the id 'hot'"));
      assertEquals(1, fires(loaded(plugins)));
      Files.delete(directory.resolve("old.jar"));
      assertEquals(List.of("old.jar was removed", "new.jar was added"), plugins.update(oneOfAnId));
      assertEquals(2, fires(loaded(plugins)));
    }
  }

  /** An activator whose stop does not come back holds up nobody for long. */
  @Test
  @Timeout(60)
  void aBundleThatDoesNotStopIsRemoved() throws IOException {
    PluginJar.bundle("stuck").header("Import-Package", "org.spikellm.api,org.osgi.framework")
        .header("Bundle-Activator", "stuck.Activator").library(PluginJar.location(BundleActivator.class))
        .source("stuck.Neuron", PluginJar.neuron("stuck", "stuck", "")).source("stuck.Activator", """
            package stuck;
            import org.osgi.framework.*;
            public class Activator implements BundleActivator {
              public void start(BundleContext context) {
                context.registerService(org.spikellm.api.NeuronModel.class, new Neuron(), null);
              }
              public void stop(BundleContext context) throws InterruptedException { Thread.sleep(5_000); }
            }
            """).write(directory.resolve("stuck.jar"));
    try (Plugins plugins = Plugins.open(directory)) {
      assertEquals("stuck", loaded(plugins).id());
      Files.delete(directory.resolve("stuck.jar"));
      assertEquals(List.of("stuck.jar was removed"), plugins.update(ANY));
      write("hot.jar", 1);
      assertEquals(List.of("hot.jar was added"), update(plugins, ANY));
    }
  }

  /** A class that is needed for the first time after the jar was replaced comes from the jar as it was. */
  @Test
  void whatIsLeasedKeepsItsVersionWhole() throws IOException {
    for (int version : new int[] {1, 2}) {
      PluginJar jar = PluginJar.module("lazy", "lazy", "spikes[0] = Later.LEVEL[0];")
          .source("lazy.Later", "package lazy; class Later { static final short[] LEVEL = {" + version * 7 + "}; }");
      if (version == 1) {
        jar.write(directory.resolve("lazy.jar"));
        continue;
      }
      try (Plugins plugins = Plugins.open(directory); Plugins.Lease lease = plugins.lease()) {
        Listing before = lease.listings().getFirst();
        jar.header("Comment", "another size").write(directory.resolve("lazy.jar"));
        assertEquals(List.of("lazy.jar was replaced"), update(plugins, ANY));
        assertNotSame(before, loaded(plugins));
        assertEquals(7, fires(before));
        assertEquals(14, fires(loaded(plugins)));
      }
    }
  }

  @Test
  void theClassesOfARemovedJarAreUnloaded() throws IOException, InterruptedException {
    write("hot.jar", 1);
    PluginJar.module("stays", "stays", "").write(directory.resolve("stays.jar"));
    try (Plugins plugins = Plugins.open(directory)) {
      WeakReference<ClassLoader> loader = loader(plugins);
      Plugins.Lease lease = plugins.lease();
      Files.delete(directory.resolve("hot.jar"));
      plugins.update(ANY);
      System.gc();
      assertTrue(loader.get() != null, "unloaded while it was leased");
      lease.close();
      lease = null;
      for (int i = 0; i < 50 && loader.get() != null; i++) {
        System.gc();
        Thread.sleep(20);
      }
      assertNull(loader.get(), "the class loader of the removed jar is still held");
      assertEquals("stays", loaded(plugins).id());
    }
  }

  /** In a method of its own, so that no local variable holds what is to be unloaded. */
  private static WeakReference<ClassLoader> loader(Plugins plugins) {
    Listing hot = plugins.listings().stream().filter(listing -> listing.id().equals("hot")).findFirst().orElseThrow();
    assertEquals(1, fires(hot));
    return new WeakReference<>(hot.provider().getClass().getClassLoader());
  }

  @Test
  void theDirectoryIsWatched() throws IOException, InterruptedException {
    BlockingQueue<String> notes = new LinkedBlockingQueue<>();
    try (Plugins plugins = Plugins.open(directory)) {
      plugins.watch(ANY, notes::add);
      write("hot.jar", 5);
      assertEquals("hot.jar was added", notes.poll(30, TimeUnit.SECONDS));
      assertEquals(5, fires(loaded(plugins)));
    }
  }
}
