package org.spikellm.launcher.registry;

import java.lang.module.ModuleDescriptor;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.spikellm.api.Provider;

/**
 * A provider that was found, or one that cannot be used.
 *
 * @param kind what it is, or null where its jar does not tell
 * @param id its id, or the name of its class or module where it has none
 * @param origin where it comes from
 * @param state whether it can be used
 * @param provider the provider, or null where it failed to load
 * @param options its options with their defaults, as it told them when it was loaded
 * @param reason why it cannot be used, or null
 */
public record Listing(Kind kind, String id, Origin origin, State state, Provider provider, Map<String, String> options,
    String reason) {

  private static final String ID = "[a-z0-9-]+";

  /** What became of a provider. */
  public enum State {
    /** It can be asked for; a backend may still say that it is unavailable. */
    LOADED,
    /** It could not be loaded. */
    FAILED,
    /** Another one of its id is preferred. */
    SET_ASIDE
  }

  /** One that could not be loaded. */
  public static Listing failed(Kind kind, String name, Origin origin, String reason) {
    return new Listing(kind, name, origin, State.FAILED, null, Map.of(), reason);
  }

  /** All that a module provides, none of which can be loaded. */
  public static List<Listing> failed(ModuleDescriptor module, Origin origin, String reason) {
    List<Listing> all = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      ServiceClass.provided(module, kind).forEach(name -> all.add(failed(kind, name, origin, reason)));
    }
    return all.isEmpty() ? List.of(failed(null, module.name(), origin, reason)) : all;
  }

  /** A provider of the program itself: makes it and asks it who it is. */
  static Listing load(Kind kind, String name, Origin origin, Supplier<? extends Provider> maker) {
    try {
      return ask(kind, origin, maker.get());
    } catch (RuntimeException | ServiceConfigurationError | LinkageError e) {
      return failed(kind, name, origin, reason(e));
    }
  }

  /**
   * A provider of a plug-in: makes it and asks it who it is, in limited time; whatever it throws becomes the reason.
   *
   * @param name of its class
   * @param loader of its classes
   * @param maker gives the provider
   */
  public static Listing load(Kind kind, String name, Origin origin, ClassLoader loader, Callable<? extends Provider> maker) {
    try {
      return TimeLimit.call(name, () -> new PluginContext(origin, loader).call(() -> ask(kind, origin, maker.call())));
    } catch (Throwable e) {
      return failed(kind, name, origin, reason(e));
    }
  }

  private static Listing ask(Kind kind, Origin origin, Provider provider) {
    String id = provider.id();
    if (id == null || !id.matches(ID)) {
      throw new IllegalStateException("its id is '" + id + "', expected lower-case letters, digits and hyphens");
    }
    Map<String, String> options = provider.options();
    if (options == null || options.entrySet().stream().anyMatch(e -> e.getKey() == null || e.getValue() == null)) {
      throw new IllegalStateException("its options are " + options + ", expected each with its default");
    }
    return new Listing(kind, id, origin, State.LOADED, provider, Map.copyOf(options), null);
  }

  Listing setAside(Listing preferred) {
    return new Listing(kind, id, origin, State.SET_ASIDE, provider, options,
        "--prefer chose the one in " + preferred.origin());
  }

  /** What is wrong, in words for people. */
  public static String reason(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && (cause instanceof ServiceConfigurationError || cause instanceof ExceptionInInitializerError
        || cause instanceof InvocationTargetException)) {
      cause = cause.getCause();
    }
    return (cause.getClass() == IllegalStateException.class ? "" : cause.getClass().getSimpleName() + ": ") + cause.getMessage();
  }
}
