package org.spikellm.launcher.plugin;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.PluginContext;

/**
 * Apache Felix in this process. Bundles see the packages of the JDK and, with a version, those of the API and the model; nothing
 * else of the program. It has threads of its own until it is closed.
 */
final class BundleFramework implements AutoCloseable {

  /** What activators need of OSGi, with the versions that Felix 7.0.5 implements. */
  private static final String OSGI_PACKAGES = "org.osgi.framework;version=1.10,org.osgi.framework.namespace;version=1.2,"
      + "org.osgi.framework.startlevel;version=1.0,org.osgi.framework.wiring;version=1.2,org.osgi.resource;version=1.0.1,"
      + "org.osgi.dto;version=1.1.1,org.osgi.util.tracker;version=1.5.3";
  private static final int STOP_SECONDS = 10;

  private final Framework felix;
  private final Path storage;
  /** Clears the storage where the program is interrupted. */
  private final Thread clearing;

  private BundleFramework(Framework felix, Path storage) {
    this.felix = felix;
    this.storage = storage;
    clearing = new Thread(() -> delete(storage), "spikellm: clearing plug-ins");
    Runtime.getRuntime().addShutdownHook(clearing);
  }

  static BundleFramework start() throws IOException {
    Path storage = Files.createTempDirectory("spikellm-plugins");
    Map<String, String> settings = new HashMap<>();
    settings.put(Constants.FRAMEWORK_STORAGE, storage.toString());
    settings.put(Constants.FRAMEWORK_STORAGE_CLEAN, Constants.FRAMEWORK_STORAGE_CLEAN_ONFIRSTINIT);
    settings.put(Constants.FRAMEWORK_SYSTEMPACKAGES, systemPackages());
    // A new version of a plug-in runs beside the old one until that one is not used any more.
    settings.put(Constants.FRAMEWORK_BSNVERSION, Constants.FRAMEWORK_BSNVERSION_MULTIPLE);
    settings.put("felix.bootdelegation.implicit", "false");
    settings.put("felix.service.urlhandlers", "false");
    settings.put("felix.log.level", "0");
    // More would leave threads behind when the framework stops.
    settings.put("felix.resolver.parallelism", "1");
    Framework felix = ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow().newFramework(settings);
    try {
      felix.start();
      return new BundleFramework(felix, storage);
    } catch (BundleException e) {
      delete(storage);
      throw new IOException("the plug-in framework did not start: " + e.getMessage(), e);
    }
  }

  private static String systemPackages() {
    List<String> packages = new ArrayList<>(List.of(OSGI_PACKAGES));
    for (Module module : BundleFramework.class.getModule().getLayer().modules()) {
      for (String name : exports(module.getDescriptor())) {
        if (ApiVersion.MODULES.contains(module.getName())) {
          packages.add(name + ";version=" + ApiVersion.here() + ".0");
        } else if (ofTheJdk(module.getName())) {
          packages.add(name);
        }
      }
    }
    return String.join(",", packages);
  }

  static boolean ofTheJdk(String module) {
    return module.startsWith("java.") || module.startsWith("jdk.");
  }

  /** The packages that a module exports to everybody. */
  static List<String> exports(ModuleDescriptor module) {
    return module.exports().stream().filter(exported -> !exported.isQualified()).map(ModuleDescriptor.Exports::source).sorted()
        .toList();
  }

  Bundle install(String location, byte[] jar) throws BundleException {
    return felix.getBundleContext().installBundle(location, new ByteArrayInputStream(jar));
  }

  /** The object of a service that a bundle registered. */
  Object service(ServiceReference<?> reference) {
    return felix.getBundleContext().getService(reference);
  }

  /** Resolves a bundle and calls its activator, in the context of its classes. */
  boolean start(Bundle bundle, Origin origin) throws BundleException {
    felix.adapt(FrameworkWiring.class).resolveBundles(List.of(bundle));
    context(bundle, origin).call(() -> {
      bundle.start(Bundle.START_TRANSIENT);
      return true;
    });
    return true;
  }

  private static PluginContext context(Bundle bundle, Origin origin) {
    BundleWiring wiring = bundle.adapt(BundleWiring.class);
    return new PluginContext(origin, wiring == null ? null : wiring.getClassLoader());
  }

  /** Stops and uninstalls a bundle, and lets go of its classes where no other bundle uses them. */
  boolean uninstall(Bundle bundle, Origin origin) throws BundleException, InterruptedException {
    context(bundle, origin).call(() -> {
      bundle.uninstall();
      return true;
    });
    FrameworkWiring wiring = felix.adapt(FrameworkWiring.class);
    CountDownLatch done = new CountDownLatch(1);
    if (wiring.getDependencyClosure(List.of(bundle)).size() == 1) {
      wiring.refreshBundles(List.of(bundle), event -> {
        if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED) {
          done.countDown();
        }
      });
      done.await();
    }
    return true;
  }

  @Override
  public void close() {
    try {
      felix.stop();
      felix.waitForStop(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
    } catch (BundleException e) {
      return; // the directory may still be in use
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    delete(storage);
    try {
      Runtime.getRuntime().removeShutdownHook(clearing);
    } catch (IllegalStateException e) {
      return; // the program ends, and the hook has run or will
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      directory.toFile().deleteOnExit();
    }
  }
}
