package org.spikellm.launcher.plugin;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.osgi.framework.Constants;
import org.spikellm.launcher.registry.JarDirectory;
import org.spikellm.launcher.registry.Origin;

/**
 * A jar of the plug-in directory, read whole.
 *
 * @param path where it lies
 * @param module what its module-info says, or null where it has none
 * @param manifest its manifest
 * @param bytes its content
 */
record BundleJar(Path path, ModuleDescriptor module, Manifest manifest, byte[] bytes) {

  /** @throws IOException if it cannot be read, or is neither a module nor a bundle; the message does not name the jar */
  static BundleJar read(Path path) throws IOException {
    BundleJar jar = load(path);
    if (jar.module == null && !jar.isBundle()) {
      throw new IOException("it is neither a module (module-info.class) nor a bundle (Bundle-SymbolicName in its manifest)");
    }
    return jar;
  }

  private static BundleJar load(Path path) throws IOException {
    try {
      byte[] bytes = Files.readAllBytes(path);
      try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(bytes), false)) {
        // Some tools do not write the manifest first, where this stream looks for it.
        Manifest manifest = in.getManifest() == null ? manifest(path) : in.getManifest();
        return new BundleJar(path, module(path), manifest, bytes);
      }
    } catch (IOException e) {
      throw new IOException("it cannot be read as a jar: " + JarDirectory.reason(e), e);
    }
  }

  private static Manifest manifest(Path path) throws IOException {
    try (JarFile file = new JarFile(path.toFile(), false)) {
      return file.getManifest() == null ? new Manifest() : file.getManifest();
    }
  }

  private static ModuleDescriptor module(Path path) throws IOException {
    try {
      return ModuleFinder.of(path).findAll().stream().map(reference -> reference.descriptor())
          .filter(descriptor -> !descriptor.isAutomatic()).findFirst().orElse(null);
    } catch (FindException e) {
      // A bundle need not make a module, for example by its file's name.
      if (e.getCause() instanceof IOException unreadable) {
        throw unreadable;
      }
      return null;
    }
  }

  /** Whether it says itself what it imports and exports. */
  boolean isBundle() {
    return symbolicName() != null;
  }

  private String symbolicName() {
    return manifest.getMainAttributes().getValue(Constants.BUNDLE_SYMBOLICNAME);
  }

  /** Whether it only adds to another bundle. */
  boolean isFragment() {
    return manifest.getMainAttributes().getValue(Constants.FRAGMENT_HOST) != null;
  }

  /** Where its providers come from: its module's name and version, else those of the bundle. */
  Origin origin() {
    String version = manifest.getMainAttributes().getValue(Constants.BUNDLE_VERSION);
    return new Origin(Origin.Way.BUNDLE, module != null ? module.name() : symbolicName().split(";")[0].strip(),
        module == null ? version : module.rawVersion().orElse(version), path, Origin.sha256(bytes));
  }

  /**
   * What to install: the jar itself where it is a bundle; else a copy whose manifest follows from the module-info.
   *
   * @param others the modules of other jars, which it may require
   * @throws IOException if it requires a module that it cannot get
   */
  byte[] installable(Collection<ModuleDescriptor> others) throws IOException {
    if (isBundle()) {
      return bytes;
    }
    Manifest wrapped = new Manifest(manifest);
    wrapped.getEntries().clear();
    ModuleManifest.write(module, others, wrapped.getMainAttributes());
    ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length + 1024);
    try (JarInputStream from = new JarInputStream(new ByteArrayInputStream(bytes), false);
        JarOutputStream to = new JarOutputStream(out, wrapped)) {
      for (JarEntry entry = from.getNextJarEntry(); entry != null; entry = from.getNextJarEntry()) {
        if (!entry.getName().equalsIgnoreCase("META-INF/MANIFEST.MF")) {
          to.putNextEntry(new JarEntry(entry.getName()));
          from.transferTo(to);
        }
      }
    }
    return out.toByteArray();
  }
}
