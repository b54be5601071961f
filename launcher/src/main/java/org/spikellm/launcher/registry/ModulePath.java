package org.spikellm.launcher.registry;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The modules of further directories, as a layer over the program's own. A jar that cannot be read or resolved is left out and
 * listed with the reason.
 *
 * @param layer the program's layer where nothing was added
 * @param failures what was left out
 */
record ModulePath(ModuleLayer layer, List<Listing> failures) {

  private record Entry(Path path, ModuleReference module) {}

  /**
   * Resolves modules.
   *
   * @param path modular jars, directories of them, or directories with a module's classes
   * @throws RegistryException if one of the path does not exist
   */
  static ModulePath resolve(List<Path> path) throws RegistryException {
    ModuleLayer boot = ModulePath.class.getModule().getLayer();
    List<Listing> failures = new ArrayList<>();
    if (path.isEmpty()) {
      return new ModulePath(boot, failures);
    }
    List<Path> files = files(path);
    if (boot == null) {
      throw new RegistryException("--module-path needs the program to run from the module path; start it with the script "
          + "spikellm");
    }
    Map<String, Entry> found = read(files, failures);
    found.values().removeIf(entry -> {
      String reason = ApiVersion.refusal(entry.module.descriptor()).orElse(null);
      return reason != null && failures.addAll(failed(entry, reason));
    });
    while (true) {
      try {
        Configuration all = boot.configuration().resolveAndBind(finder(found), ModuleFinder.of(), found.keySet());
        return new ModulePath(boot.defineModulesWithManyLoaders(all, ModulePath.class.getClassLoader()), failures);
      } catch (FindException | ResolutionException | LayerInstantiationException e) {
        leaveOut(boot, found, failures, e);
      }
    }
  }

  private static List<Path> files(List<Path> path) throws RegistryException {
    List<Path> files = new ArrayList<>();
    for (Path place : path) {
      if (!Files.exists(place)) {
        throw new RegistryException("--module-path " + place + ": expected a directory of modular jars, found nothing");
      }
      if (!Files.isDirectory(place) || Files.exists(place.resolve("module-info.class"))) {
        files.add(place);
        continue;
      }
      try (DirectoryStream<Path> children = Files.newDirectoryStream(place, "*.jar")) {
        List<Path> inside = new ArrayList<>();
        children.forEach(inside::add);
        inside.sort(null);
        files.addAll(inside);
      } catch (IOException e) {
        throw new RegistryException("--module-path " + place + ": cannot be read: " + e.getMessage());
      }
    }
    return files;
  }

  private static Map<String, Entry> read(List<Path> files, List<Listing> failures) {
    Map<String, Entry> found = new LinkedHashMap<>();
    for (Path file : files) {
      try {
        for (ModuleReference module : ModuleFinder.of(file).findAll()) {
          Entry entry = new Entry(file, module);
          Entry other = found.putIfAbsent(module.descriptor().name(), entry);
          if (other != null) {
            failures.addAll(failed(entry, "its module is in " + other.path.getFileName() + " already"));
          }
        }
      } catch (FindException e) {
        String reason = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
        failures.add(Listing.failed(null, file.getFileName().toString(), new Origin(Origin.Way.MODULE_PATH, "", null, file),
            "cannot be read as a module: " + reason));
      }
    }
    return found;
  }

  /** Leaves out those that do not even resolve alone, or all where each of them does. */
  private static void leaveOut(ModuleLayer boot, Map<String, Entry> found, List<Listing> failures, Exception e) {
    ModuleFinder finder = finder(found);
    Map<String, String> faulty = new LinkedHashMap<>();
    for (String name : found.keySet()) {
      try {
        boot.configuration().resolve(finder, ModuleFinder.of(), Set.of(name));
      } catch (FindException | ResolutionException alone) {
        faulty.put(name, alone.getMessage());
      }
    }
    if (faulty.isEmpty()) {
      found.keySet().forEach(name -> faulty.put(name, e.getMessage()));
    }
    faulty.forEach((name, reason) -> failures.addAll(failed(found.remove(name), "cannot be resolved: " + reason)));
  }

  private static ModuleFinder finder(Map<String, Entry> found) {
    return ModuleFinder.of(found.values().stream().map(Entry::path).toArray(Path[]::new));
  }

  /** A failure of everything that a module provides. */
  private static List<Listing> failed(Entry entry, String reason) {
    ModuleDescriptor descriptor = entry.module.descriptor();
    Origin origin = new Origin(Origin.Way.MODULE_PATH, descriptor.name(), descriptor.rawVersion().orElse(null), entry.path);
    return Listing.failed(descriptor, origin, reason);
  }
}
