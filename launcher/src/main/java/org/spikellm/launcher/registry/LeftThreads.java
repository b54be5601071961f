package org.spikellm.launcher.registry;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.spikellm.api.Provider;

/**
 * Threads that plug-ins have left running: those with a plug-in's context or class loader, or in the middle of its code. A daemon
 * thread that waits is none: libraries keep such, and they hinder nobody.
 */
public final class LeftThreads {

  /** For those that are about to end. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(500);
  private static final int PAUSE_MILLIS = 10;

  private final Map<ClassLoader, Origin> owners = new HashMap<>();

  private LeftThreads(Collection<Listing> listings) {
    for (Listing listing : listings) {
      Provider provider = listing.provider();
      if (listing.origin().plugin() && provider != null) {
        owners.put(provider.getClass().getClassLoader(), listing.origin());
      }
    }
  }

  /**
   * A line for each plug-in with such threads, after all of them had time to end.
   *
   * @param listings of the plug-ins that were in use
   */
  public static List<String> of(Collection<Listing> listings) {
    LeftThreads left = new LeftThreads(listings);
    long began = System.nanoTime();
    Map<String, List<String>> names = left.names();
    while (!names.isEmpty() && System.nanoTime() - began < PATIENCE) {
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
      names = left.names();
    }
    List<String> lines = new ArrayList<>();
    names.forEach((jar, threads) -> lines.add(jar + " left " + (threads.size() == 1 ? "a thread" : threads.size() + " threads")
        + " running: " + String.join(", ", threads) + "; a fault of that plug-in"));
    return lines;
  }

  /** The names of threads, by jar. */
  private Map<String, List<String>> names() {
    Map<String, List<String>> names = new TreeMap<>();
    Thread.getAllStackTraces().forEach((thread, stack) -> {
      Origin origin = owner(thread, stack);
      boolean idle = thread.isDaemon() && thread.getState() != Thread.State.RUNNABLE;
      if (origin != null && thread != Thread.currentThread() && !idle) {
        names.computeIfAbsent(origin.toString(), jar -> new ArrayList<>()).add("'" + thread.getName() + "'");
      }
    });
    names.values().forEach(threads -> threads.sort(null));
    return names;
  }

  private Origin owner(Thread thread, StackTraceElement[] stack) {
    ClassLoader context = thread.getContextClassLoader();
    if (context instanceof PluginContext plugin) {
      return plugin.origin();
    }
    if (owners.containsKey(context)) {
      return owners.get(context);
    }
    if (owners.containsKey(thread.getClass().getClassLoader())) {
      return owners.get(thread.getClass().getClassLoader());
    }
    for (StackTraceElement frame : stack) {
      for (Map.Entry<ClassLoader, Origin> owner : owners.entrySet()) {
        if (defines(owner.getKey(), frame.getClassName())) {
          return owner.getValue();
        }
      }
    }
    return null;
  }

  private static boolean defines(ClassLoader loader, String name) {
    try {
      return Class.forName(name, false, loader).getClassLoader() == loader;
    } catch (ClassNotFoundException | LinkageError | IllegalStateException e) {
      return false; // also where the loader's bundle is gone
    }
  }
}
