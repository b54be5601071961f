package org.spikellm.launcher.registry;

import java.io.IOException;
import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
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
 */
final class ModulePath {

  private record Entry(Path path, ModuleReference module) {}

  private ModulePath() {}

  /**
   * The providers of modules, and what was left out.
   *
   * @param path modular jars, directories of them, or directories with a module's classes
   * @throws RegistryException if one of the path does not exist
   */
  static List<Listing> providers(List<Path> path) throws RegistryException {
    List<Listing> listings = new ArrayList<>();
    if (path.isEmpty()) {
      return listings;
    }
    List<Path> files = files(path);
    ModuleLayer boot = ModulePath.class.getModule().getLayer();
    if (boot == null) {
      throw new RegistryException("--module-path needs the program to run from the module path; start it with the script "
          + "spikellm");
    }
    Map<String, Entry> found = read(files, listings);
    // Copies of the program's own, with which a plug-in's neuron would be none of the program's.
    found.keySet().removeAll(ApiVersion.MODULES);
    found.values().removeIf(entry -> {
      String reason = ApiVersion.refusal(entry.module.descriptor()).orElse(null);
      return reason != null && listings.addAll(failed(entry, reason));
    });
    ModuleLayer.Controller layer = layer(boot, found, listings);
    for (Module module : layer.layer().modules()) {
      listings.addAll(providers(module, layer));
    }
    return listings;
  }

  private static ModuleLayer.Controller layer(ModuleLayer boot, Map<String, Entry> found, List<Listing> failures) {
    while (true) {
      try {
        Configuration all = boot.configuration().resolveAndBind(finder(found), ModuleFinder.of(), found.keySet());
        return ModuleLayer.defineModulesWithManyLoaders(all, List.of(boot), ModulePath.class.getClassLoader());
      } catch (FindException | ResolutionException | LayerInstantiationException e) {
        leaveOut(boot, found, failures, e);
      }
    }
  }

  private static List<Listing> providers(Module module, ModuleLayer.Controller layer) {
    List<Listing> listings = new ArrayList<>();
    Origin origin = Origin.of(module);
    for (Kind kind : Kind.values()) {
      for (String name : ServiceClass.provided(module.getDescriptor(), kind)) {
        listings.add(Listing.load(kind, name, origin, module.getClassLoader(), () -> {
          Class<?> type = Class.forName(module, name);
          if (type == null) {
            throw new ClassNotFoundException(name);
          }
          // A module need not export the package of what it provides.
          layer.addExports(module, type.getPackageName(), ModulePath.class.getModule());
          return ServiceClass.make(kind, type);
        }));
      }
    }
    return listings;
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
      files.addAll(JarDirectory.list(place, "--module-path"));
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
        String reason = e.getCause() instanceof IOException io ? JarDirectory.reason(io) : e.getMessage();
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
