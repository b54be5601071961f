package org.spikellm.launcher.registry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.SalienceDetector;
import org.spikellm.launcher.plugin.PluginJar;

/** Which providers there are, and what is said of those there are not. */
class RegistryTest {

  @TempDir
  private Path temporary;

  private static Registry registry(Map<String, String> options) throws RegistryException {
    return new Registry(List.of(), options);
  }

  private static void refused(Executable call, String... parts) {
    RegistryException e = assertThrows(RegistryException.class, call);
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), e.getMessage());
    }
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void everyKindHasItsProviders() throws RegistryException {
    Registry registry = registry(Map.of());
    for (Kind kind : Kind.values()) {
      for (Listing listing : registry.list(kind)) {
        assertNotNull(listing.provider(), listing.origin() + ": " + listing.reason());
      }
    }
    List<String> neurons = registry.list(Kind.NEURON).stream().map(Listing::id).toList();
    assertTrue(neurons.containsAll(List.of("if", "lif", "gif", "ternary-gif")), neurons.toString());
    List<String> detectors = registry.list(Kind.DETECTOR).stream().map(Listing::id).toList();
    assertTrue(detectors.containsAll(List.of("gradient", "hessian", "magnitude", "mad")), detectors.toString());
    List<String> backends = registry.list(Kind.BACKEND).stream().map(Listing::id).toList();
    assertTrue(backends.containsAll(List.of("reference", "simd")), backends.toString());
  }

  @Test
  void autoIsTheFastestThatIsAvailable() throws RegistryException {
    Registry registry = registry(Map.of());
    int fastest = registry.list(Kind.BACKEND).stream().map(listing -> ((ComputeBackend) listing.provider()).probe())
        .mapToInt(state -> state instanceof Availability.Available(String device, int speed) ? speed : Integer.MIN_VALUE).max().orElseThrow();
    assertEquals(fastest, assertInstanceOf(Availability.Available.class, registry.backend("auto").probe()).speed());
    assertEquals("reference", registry.backend("reference").id());
  }

  @Test
  void anUnknownIdNamesTheKnownOnes() throws RegistryException {
    Registry registry = registry(Map.of());
    refused(() -> registry.backend("cuda"), "no backend 'cuda'", "reference, simd");
    refused(() -> registry.find(NeuronModel.class, "GIF"), "no neuron 'GIF'", "gif", "lif", "ternary-gif");
    refused(() -> registry.find(SalienceDetector.class, ""), "no detector ''", "gradient, hessian, mad, magnitude");
    refused(() -> registry.find(QuantizationPipeline.class, "gif"), "no pipeline 'gif'", "rtn");
  }

  @Test
  void optionsAreKnownAndValid() throws RegistryException {
    refused(() -> registry(Map.of("lif.leek", "1")), "lif.leek", "no option 'leek'", "leak");
    refused(() -> registry(Map.of("lif", "1")), "no option ''", "leak");
    refused(() -> registry(Map.of("nobody.leak", "1")), "no provider 'nobody'", "lif");
    refused(() -> registry(Map.of("gif.leak", "1")), "'gif' has no option 'leak'", "it has none");
    for (String wrong : new String[] {"", "x", "NaN", "-1", "7"}) {
      Registry registry = registry(Map.of("lif.leak", wrong));
      refused(() -> registry.find(NeuronModel.class, "lif"), "leak", "'" + wrong + "'");
    }
    Registry registry = registry(Map.of("lif.leak", "0.5"));
    assertEquals(0.5f, registry.find(NeuronModel.class, "lif").dynamics(4, 2).leak());
    refused(() -> registry.find(NeuronModel.class, "lif", Map.of("x", "1")), "no option 'x'");
  }

  @Test
  void directoriesOfModulesThatAreNone() throws IOException {
    refused(() -> new Registry(List.of(temporary.resolve("gone")), Map.of()), "gone", "found nothing");
    Path jar = Files.writeString(temporary.resolve("broken.jar"), "no jar");
    Registry registry = new Registry(List.of(temporary), Map.of());
    Listing broken = registry.list(null).getFirst();
    assertEquals(Listing.State.FAILED, broken.state());
    assertEquals(jar, broken.origin().jar());
    assertNotNull(registry.find(NeuronModel.class, "gif"));
    refused(() -> registry.find(NeuronModel.class, "gone"), "no neuron 'gone'", "broken.jar", "cannot be read as a module");
  }

  private static Listing listing(String id, String jar) {
    NeuronModel neuron = new NeuronModel() {
      @Override
      public String id() {
        return id;
      }

      @Override
      public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {}

      @Override
      public Dynamics dynamics(int bits, int timeSteps) {
        return new Dynamics(1, 1, 0, 1, timeSteps);
      }

      @Override
      public boolean collapsible() {
        return false;
      }
    };
    return Listing.load(Kind.NEURON, "Neuron", new Origin(Origin.Way.BUNDLE, "some.module", "1.0", Path.of("dir", jar)),
        () -> neuron);
  }

  @Test
  void twoOfOneIdAreAnErrorUntilOneIsPreferred() throws RegistryException {
    List<Listing> two = List.of(listing("same", "a.jar"), listing("same", "b.jar"), listing("other", "b.jar"));
    refused(() -> new Registry(two, List.of(), Map.of()), "two neurons", "'same'", "a.jar", "b.jar", "--prefer");
    refused(() -> new Registry(two, List.of("a.jar", "dir/b.jar"), Map.of()), "a.jar", "b.jar");
    refused(() -> new Registry(two, List.of("c.jar"), Map.of()), "--prefer c.jar");
    Registry registry = new Registry(two, List.of("dir/b.jar"), Map.of());
    assertEquals(Path.of("dir", "b.jar"), registry.origin(NeuronModel.class, "same").jar());
    Listing aside = registry.list(Kind.NEURON).getLast();
    assertEquals(Listing.State.SET_ASIDE, aside.state());
    assertTrue(aside.reason().contains("b.jar"), aside.reason());
  }

  @Test
  void anIdThatCannotBeTypedFailsToLoad() {
    for (String wrong : new String[] {null, "", "Gif", "a b", "a.b"}) {
      Listing listing = listing(wrong, "a.jar");
      assertEquals(Listing.State.FAILED, listing.state());
      assertTrue(listing.reason().contains("'" + wrong + "'"), listing.reason());
    }
  }

  @Test
  void aModuleThatCannotBeResolvedDoesNotStopTheOthers() throws IOException {
    Path library = new PluginJar().source("module-info", "module lib { exports lib; }").source("lib.X", "package lib; public class X {}")
        .write(temporary.resolve("lib.jar"));
    PluginJar.module("needy", "needy", "").source("module-info", "module needy { requires org.spikellm.api; requires lib; "
        + "provides org.spikellm.api.NeuronModel with needy.Neuron; }").library(library).write(temporary.resolve("needy.jar"));
    PluginJar.module("fine", "fine", "").write(temporary.resolve("fine.jar"));
    assertEquals(List.of(), failures(new Registry(List.of(temporary), Map.of())));

    Files.delete(library);
    Registry registry = new Registry(List.of(temporary), Map.of());
    assertEquals("fine", registry.find(NeuronModel.class, "fine").id());
    assertEquals(Origin.Way.MODULE_PATH, registry.origin(NeuronModel.class, "fine").way());
    Listing failed = failures(registry).getFirst();
    assertEquals(Kind.NEURON, failed.kind());
    assertEquals("needy.Neuron", failed.id());
    assertTrue(failed.origin().toString().contains("needy.jar") && failed.reason().contains("lib"), failed.toString());
    refused(() -> registry.find(NeuronModel.class, "needy"), "no neuron 'needy'", "needy.jar", "lib");
  }

  /** Else the plug-in's neuron would be one of the copy's, which is none of the program's, and not be seen. */
  @Test
  void aCopyOfTheApiBesideHidesNothing() throws IOException {
    PluginJar.module("fine", "fine", "").write(temporary.resolve("fine.jar"));
    Files.writeString(temporary.resolve("README.md"), "no jar");
    new PluginJar().source("module-info", "module org.spikellm.api { exports org.spikellm.api; }")
        .source("org.spikellm.api.NeuronModel", "package org.spikellm.api; public interface NeuronModel {}")
        .write(temporary.resolve("api.jar"));
    Registry registry = new Registry(List.of(temporary), Map.of());
    assertEquals("fine", registry.find(NeuronModel.class, "fine").id());
    assertEquals(List.of(), failures(registry));
  }

  @Test
  void aProviderThatDoesNotLinkIsNamedWithItsJar() throws IOException {
    Path library = new PluginJar().source("lib.Base", PluginJar.neuron("lib", "lib", "").replace("class Neuron", "class Base"))
        .write(temporary.resolve("lib.jar"));
    Path jar = new PluginJar().source("module-info", "module heir { requires org.spikellm.api; requires static lib; "
        + "provides org.spikellm.api.NeuronModel with heir.Neuron; }").library(library)
        .source("heir.Neuron", "package heir; public class Neuron extends lib.Base {}").write(temporary.resolve("heir.jar"));
    Files.delete(library);
    Listing failed = failures(new Registry(List.of(temporary), Map.of())).getFirst();
    assertEquals(jar, failed.origin().jar());
    assertTrue(failed.reason().contains("NoClassDefFoundError: lib/Base"), failed.reason());
  }

  @Test
  void oneModuleInTwoJarsIsTakenOnce() throws IOException {
    PluginJar.module("twice", "twice", "").write(temporary.resolve("a.jar"));
    PluginJar.module("twice", "twice", "").write(temporary.resolve("b.jar"));
    Registry registry = new Registry(List.of(temporary), Map.of());
    assertEquals(temporary.resolve("a.jar"), registry.origin(NeuronModel.class, "twice").jar());
    assertTrue(failures(registry).getFirst().reason().contains("a.jar"), failures(registry).toString());
  }

  private static List<Listing> failures(Registry registry) {
    return Stream.concat(Stream.of(Kind.values()).flatMap(kind -> registry.list(kind).stream()), registry.list(null).stream())
        .filter(listing -> listing.state() == Listing.State.FAILED).toList();
  }
}
