package org.spikellm.launcher.registry;

import java.lang.module.Configuration;
import java.lang.module.FindException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.module.ModuleReference;
import java.lang.module.ResolutionException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Provider;

/**
 * All providers: those of the boot layer, and those of the modular jars in further directories. A provider that fails to load is
 * listed with the reason and does not stop the others.
 */
public final class Registry {

  private final Map<Kind, Map<String, Listing>> listings = new LinkedHashMap<>();
  private final List<Listing> failures = new ArrayList<>();
  private final Map<String, Map<String, String>> options;

  /**
   * Finds providers.
   *
   * @param modulePath directories of modular jars with more providers
   * @param options values of providers' options, as {@code PROVIDER.KEY} to value
   * @throws RegistryException if a directory cannot be used, two providers of one kind share an id, or an option is unknown
   */
  public Registry(List<Path> modulePath, Map<String, String> options) throws RegistryException {
    ModuleLayer layer = modulePath.isEmpty() ? Registry.class.getModule().getLayer() : layer(modulePath);
    for (Kind kind : Kind.values()) {
      listings.put(kind, new TreeMap<>());
      for (Listing listing : ServiceScan.providers(kind, layer)) {
        add(listing);
      }
    }
    this.options = check(options);
  }

  /** The same providers, with more options, which those given before go before. */
  public Registry under(Map<String, String> options) throws RegistryException {
    Map<String, String> missing = new TreeMap<>(options);
    this.options.forEach((id, values) -> values.keySet().forEach(key -> missing.remove(id + "." + key)));
    return with(missing);
  }

  private Registry(Registry other, Map<String, String> options) throws RegistryException {
    listings.putAll(other.listings);
    failures.addAll(other.failures);
    Map<String, Map<String, String>> all = new TreeMap<>(other.options);
    check(options).forEach((id, values) -> {
      Map<String, String> merged = new TreeMap<>(all.getOrDefault(id, Map.of()));
      merged.putAll(values);
      all.put(id, merged);
    });
    this.options = all;
  }

  /** The same providers, with more options of the kind that the constructor takes; they go before those given before. */
  public Registry with(Map<String, String> options) throws RegistryException {
    return new Registry(this, options);
  }

  private void add(Listing listing) throws RegistryException {
    if (listing.provider() == null) {
      failures.add(listing);
      return;
    }
    Listing other = listings.get(listing.kind()).putIfAbsent(listing.id(), listing);
    if (other != null) {
      throw new RegistryException("two " + listing.kind().label() + "s have the id '" + listing.id() + "': one in " + other.origin()
          + ", one in " + listing.origin() + "; remove one of the jars");
    }
  }

  private static ModuleLayer layer(List<Path> modulePath) throws RegistryException {
    for (Path directory : modulePath) {
      if (!Files.exists(directory)) {
        throw new RegistryException("--module-path " + directory + ": expected a directory of modular jars, found nothing");
      }
    }
    ModuleLayer boot = Registry.class.getModule().getLayer();
    if (boot == null) {
      throw new RegistryException("--module-path needs the program to run from the module path; start it with the script spikellm");
    }
    ModuleFinder finder = ModuleFinder.of(modulePath.toArray(Path[]::new));
    try {
      Set<String> names = finder.findAll().stream().map(ModuleReference::descriptor).map(ModuleDescriptor::name)
          .collect(Collectors.toSet());
      Configuration configuration = boot.configuration().resolveAndBind(finder, ModuleFinder.of(), names);
      return boot.defineModulesWithOneLoader(configuration, Registry.class.getClassLoader());
    } catch (FindException | ResolutionException | LayerInstantiationException e) {
      throw new RegistryException("--module-path " + modulePath.stream().map(Path::toString).collect(Collectors.joining(":"))
          + ": cannot be resolved: " + e.getMessage());
    }
  }

  private Map<String, Map<String, String>> check(Map<String, String> given) throws RegistryException {
    Map<String, Map<String, String>> byProvider = new TreeMap<>();
    for (var entry : given.entrySet()) {
      int dot = entry.getKey().indexOf('.');
      String id = dot < 0 ? entry.getKey() : entry.getKey().substring(0, dot);
      String key = dot < 0 ? "" : entry.getKey().substring(dot + 1);
      Map<String, String> known = new TreeMap<>();
      boolean found = false;
      for (Map<String, Listing> kind : listings.values()) {
        if (kind.containsKey(id)) {
          found = true;
          known.putAll(kind.get(id).provider().options());
        }
      }
      if (!found) {
        throw RegistryException.wrongCall("--option " + entry.getKey() + ": there is no provider '" + id + "'; known ones: "
            + listings.values().stream().flatMap(m -> m.keySet().stream()).distinct().sorted().toList());
      }
      if (!known.containsKey(key)) {
        throw RegistryException.wrongCall("--option " + entry.getKey() + ": '" + id + "' has no option '" + key + "'; "
            + (known.isEmpty() ? "it has none" : "known ones with their defaults: " + known));
      }
      byProvider.computeIfAbsent(id, k -> new TreeMap<>()).put(key, entry.getValue());
    }
    return byProvider;
  }

  /** The provider of that id, configured with the options that were given for it. */
  public <P extends Provider> P find(Class<P> type, String id) throws RegistryException {
    return find(type, id, options.getOrDefault(id, Map.of()));
  }

  /** The provider of that id with these options. */
  public <P extends Provider> P find(Class<P> type, String id, Map<String, String> values) throws RegistryException {
    Kind kind = Kind.of(type);
    Listing listing = listings.get(kind).get(id);
    if (listing == null) {
      String failed = failures.stream().map(f -> "; " + f.origin() + " failed to load: " + f.failure())
          .collect(Collectors.joining());
      throw RegistryException.wrongCall("there is no " + kind.label() + " '" + id + "'; known ones: "
          + String.join(", ", listings.get(kind).keySet()) + failed);
    }
    if (values.isEmpty()) {
      return type.cast(listing.provider());
    }
    for (String key : values.keySet()) {
      if (!listing.provider().options().containsKey(key)) {
        throw RegistryException.wrongCall(kind.label() + " '" + id + "' has no option '" + key + "'");
      }
    }
    try {
      return type.cast(listing.provider().configure(values));
    } catch (IllegalArgumentException e) {
      throw RegistryException.wrongCall(e.getMessage());
    }
  }

  /** The options that were given for a provider. */
  public Map<String, String> options(String id) {
    return options.getOrDefault(id, Map.of());
  }

  /**
   * The backend of that id; {@code auto} is the fastest available one.
   *
   * @throws RegistryException if there is none of that id or it is not available: a named one never falls back
   */
  public ComputeBackend backend(String id) throws RegistryException {
    if (id.equals("auto")) {
      return listings.get(Kind.BACKEND).keySet().stream().map(this::configuredBackend)
          .filter(b -> b.probe() instanceof Availability.Available)
          .max(Comparator.comparingInt(b -> ((Availability.Available) b.probe()).speed()))
          .orElseThrow(() -> new RegistryException("no backend is available; see 'spikellm providers'"));
    }
    ComputeBackend backend = find(ComputeBackend.class, id);
    if (backend.probe() instanceof Availability.Unavailable(String reason)) {
      throw new RegistryException("backend '" + id + "' is not available: " + reason);
    }
    return backend;
  }

  private ComputeBackend configuredBackend(String id) {
    try {
      return find(ComputeBackend.class, id);
    } catch (RegistryException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Every provider of a kind, by id, then those that failed to load. */
  public List<Listing> list(Kind kind) {
    List<Listing> all = new ArrayList<>(listings.get(kind).values());
    failures.stream().filter(f -> f.kind() == kind).forEach(all::add);
    return all;
  }

  /** Where a module was loaded from, for people. */
  static String origin(Module module) {
    String name = module.isNamed() ? module.getName() : "the class path";
    return module.getLayer() == null ? name
        : module.getLayer().configuration().findModule(name).flatMap(m -> m.reference().location()).map(URI::getPath)
            .map(path -> Path.of(path).getFileName() + " (" + name + ")").orElse(name);
  }
}
