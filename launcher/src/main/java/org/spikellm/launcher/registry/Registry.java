package org.spikellm.launcher.registry;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.Provider;

/**
 * All providers: those of the boot layer, those of the modular jars in further directories, and those of bundles. One that fails
 * to load is listed with the reason and does not stop the others. What it gives of plug-ins is watched: a fault names the
 * plug-in.
 */
public final class Registry {

  private final Map<Kind, Map<String, Listing>> listings = new LinkedHashMap<>();
  /** Those that cannot be asked for. */
  private final List<Listing> others = new ArrayList<>();
  private final Map<String, Map<String, String>> options;
  private final Set<Listing> used = ConcurrentHashMap.newKeySet();

  /**
   * Finds the providers of modules.
   *
   * @param modulePath directories of modular jars with more providers
   * @param options values of providers' options, as {@code PROVIDER.KEY} to value
   * @throws RegistryException if a directory does not exist, two providers of one kind share an id, or an option is unknown
   */
  public Registry(List<Path> modulePath, Map<String, String> options) throws RegistryException {
    this(ofModules(modulePath), List.of(), options);
  }

  /**
   * Takes providers that were found.
   *
   * @param found all of them, also those that failed to load
   * @param preferred jars, by path or file name: of two providers of one kind and id the one that lies in one of them is taken
   * @param options values of providers' options, as {@code PROVIDER.KEY} to value
   * @throws RegistryException if two providers of one kind share an id and not one of them is preferred, or an option is unknown
   */
  public Registry(List<Listing> found, List<String> preferred, Map<String, String> options) throws RegistryException {
    for (String jar : preferred) {
      if (found.stream().noneMatch(listing -> listing.origin().liesIn(jar))) {
        throw RegistryException.wrongCall("--prefer " + jar
            + ": no provider comes from a jar of that name; 'spikellm providers' lists them");
      }
    }
    for (Kind kind : Kind.values()) {
      Map<String, List<Listing>> byId = found.stream().filter(listing -> listing.kind() == kind
          && listing.state() == Listing.State.LOADED)
          .collect(Collectors.groupingBy(Listing::id, TreeMap::new, Collectors.toList()));
      Map<String, Listing> chosen = new TreeMap<>();
      for (List<Listing> same : byId.values()) {
        Listing one = one(same, listing -> preferred.stream().anyMatch(listing.origin()::liesIn));
        chosen.put(one.id(), one);
        same.stream().filter(listing -> listing != one).forEach(listing -> others.add(listing.setAside(one)));
      }
      listings.put(kind, chosen);
    }
    found.stream().filter(listing -> listing.state() != Listing.State.LOADED).forEach(others::add);
    this.options = check(options);
  }

  /** The providers of the program's own modules and of those in further directories. */
  public static List<Listing> ofModules(List<Path> modulePath) throws RegistryException {
    List<Listing> found = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      found.addAll(ServiceScan.providers(kind));
    }
    found.addAll(ModulePath.providers(modulePath));
    return found;
  }

  private static Listing one(List<Listing> same, Predicate<Listing> preferred) throws RegistryException {
    if (same.size() == 1) {
      return same.getFirst();
    }
    List<Listing> chosen = same.stream().filter(preferred).toList();
    if (chosen.size() == 1) {
      return chosen.getFirst();
    }
    List<Listing> rivals = chosen.isEmpty() ? same : chosen;
    Listing first = rivals.getFirst();
    throw new RegistryException((rivals.size() == 2 ? "two " : rivals.size() + " ") + first.kind().label() + "s have the id '"
        + first.id()
        + "': " + rivals.stream().map(listing -> "one in " + place(listing.origin())).collect(Collectors.joining(", "))
        + "; choose with --prefer JAR, or remove a jar");
  }

  /** Two jars may have one name. */
  private static String place(Origin origin) {
    return origin.jar() == null ? origin.module() : origin.jar() + " (" + origin.module() + ")";
  }

  /** The same providers, with more options, which those given before go before. */
  public Registry under(Map<String, String> options) throws RegistryException {
    Map<String, String> missing = new TreeMap<>(options);
    this.options.forEach((id, values) -> values.keySet().forEach(key -> missing.remove(id + "." + key)));
    return with(missing);
  }

  private Registry(Registry other, Map<String, String> options) throws RegistryException {
    listings.putAll(other.listings);
    others.addAll(other.others);
    used.addAll(other.used);
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
          known.putAll(kind.get(id).options());
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
      String failed = others.stream().filter(f -> f.state() == Listing.State.FAILED && (f.kind() == kind || f.kind() == null))
          .map(f -> "; " + f.origin() + " failed to load: " + f.reason()).collect(Collectors.joining());
      throw RegistryException.wrongCall("there is no " + kind.label() + " '" + id + "'; known ones: "
          + String.join(", ", listings.get(kind).keySet()) + failed);
    }
    used.add(listing);
    Provider provider = Guard.over(listing);
    if (values.isEmpty()) {
      return type.cast(provider);
    }
    for (String key : values.keySet()) {
      if (!provider.options().containsKey(key)) {
        throw RegistryException.wrongCall(kind.label() + " '" + id + "' has no option '" + key + "'");
      }
    }
    try {
      return type.cast(provider.configure(values));
    } catch (IllegalArgumentException e) {
      throw RegistryException.wrongCall(e.getMessage());
    }
  }

  /** The options that were given for a provider. */
  public Map<String, String> options(String id) {
    return options.getOrDefault(id, Map.of());
  }

  /** Where the provider of that id comes from; it must exist. */
  public Origin origin(Class<? extends Provider> type, String id) {
    return listings.get(Kind.of(type)).get(id).origin();
  }

  /** Whether all that was asked for here is the same in {@code newer}. */
  public boolean agreesWith(Registry newer) {
    return used.stream().allMatch(listing -> newer.listings.get(listing.kind()).get(listing.id()) == listing);
  }

  /** Whether something that was asked for here is not in {@code newer} in any version. */
  public boolean lostIn(Registry newer) {
    return used.stream().anyMatch(listing -> !newer.listings.get(listing.kind()).containsKey(listing.id()));
  }

  /** Takes the place of a registry that {@link #agreesWith agrees} with it: what was asked for there counts as asked for here. */
  public Registry inPlaceOf(Registry older) {
    used.addAll(older.used);
    return this;
  }

  /**
   * The backend of that id; {@code auto} is the fastest available one.
   *
   * @throws RegistryException if there is none of that id or it is not available: a named one never falls back
   */
  public ComputeBackend backend(String id) throws RegistryException {
    if (id.equals("auto")) {
      return backend(fastestBeside(null));
    }
    ComputeBackend backend = find(ComputeBackend.class, id);
    if (Probe.of(backend) instanceof Availability.Unavailable(String reason)) {
      throw new RegistryException("backend '" + id + "' is not available: " + reason);
    }
    return backend;
  }

  /** The fastest available backend but that of {@code id}, for what it leaves to others. */
  public ComputeBackend backendBeside(String id) throws RegistryException {
    return backend(fastestBeside(id));
  }

  private String fastestBeside(String id) throws RegistryException {
    Map<String, Integer> speeds = new TreeMap<>();
    for (Listing listing : listings.get(Kind.BACKEND).values()) {
      if (listing.id().equals(id)) {
        continue;
      }
      ComputeBackend backend = (ComputeBackend) configured(listing);
      if (Probe.of(backend) instanceof Availability.Available(String device, int speed)) {
        speeds.put(listing.id(), speed);
      }
    }
    return speeds.entrySet().stream().max(Map.Entry.comparingByValue(Comparator.naturalOrder())).map(Map.Entry::getKey)
        .orElseThrow(() -> new RegistryException("no " + (id == null ? "" : "other ")
            + "backend is available; see 'spikellm providers'"));
  }

  private Provider configured(Listing listing) throws RegistryException {
    Map<String, String> values = options(listing.id());
    try {
      Provider provider = Guard.over(listing);
      return values.isEmpty() ? provider : provider.configure(values);
    } catch (IllegalArgumentException e) {
      throw RegistryException.wrongCall(e.getMessage());
    }
  }

  /** Every provider of a kind, by id, then those that cannot be asked for; null: those whose jar does not tell what they are. */
  public List<Listing> list(Kind kind) {
    List<Listing> all = kind == null ? new ArrayList<>() : new ArrayList<>(listings.get(kind).values());
    others.stream().filter(listing -> listing.kind() == kind).forEach(all::add);
    return all;
  }
}
