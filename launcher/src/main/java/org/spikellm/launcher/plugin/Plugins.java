package org.spikellm.launcher.plugin;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.spikellm.launcher.registry.JarDirectory;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.RegistryException;

/**
 * The jars of a directory as OSGi bundles. The framework starts with the first jar. After {@link #update} the jars that came,
 * changed or went are taken over; what was leased before keeps what it had.
 */
public final class Plugins implements AutoCloseable {

  /** Whether the program could go on with these providers. */
  @FunctionalInterface
  public interface Trial {

    /** @throws RegistryException why it could not */
    void accept(List<Listing> listings) throws RegistryException;
  }

  /** What tells one content of a file from another without reading it. */
  private record Stamp(long size, FileTime modified, Object file) {

    static final Stamp NONE = new Stamp(-1, FileTime.fromMillis(0), null);
  }

  private static final int WATCH_MILLIS = 500;

  private final Path directory;
  private final Map<Path, Deployment> deployed = new TreeMap<>();
  private final Map<Path, List<Listing>> failures = new TreeMap<>();
  private final Set<Deployment> retired = new HashSet<>();
  private Map<Path, Stamp> seen = new TreeMap<>();
  private Map<Path, Stamp> done = new TreeMap<>();
  private BundleFramework framework;
  private int installed;
  private int changes;
  private boolean closed;
  private Thread watcher;

  private Plugins(Path directory) {
    this.directory = directory;
  }

  /** Loads the jars of a directory; one that cannot be loaded is listed with the reason. */
  public static Plugins open(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new RegistryException("--plugins " + directory + ": expected a directory of jars, found "
          + (Files.exists(directory) ? "a file" : "nothing"));
    }
    if (Plugins.class.getModule().getLayer() == null) {
      throw new RegistryException("--plugins needs the program to run from the module path; start it with the script spikellm");
    }
    Plugins plugins = new Plugins(directory);
    plugins.load();
    return plugins;
  }

  private synchronized void load() throws IOException {
    done = scan();
    seen = done;
    Map<Path, BundleJar> jars = new TreeMap<>();
    for (Path path : done.keySet()) {
      try {
        jars.put(path, BundleJar.read(path));
      } catch (IOException e) {
        failures.put(path, unreadable(path, e));
      }
    }
    List<ModuleDescriptor> modules = jars.values().stream().map(BundleJar::module).filter(Objects::nonNull).toList();
    for (BundleJar jar : jars.values()) {
      try {
        deployed.put(jar.path(), install(jar, modules));
      } catch (IOException e) {
        failures.put(jar.path(), Deployment.failures(jar.module(), jar.origin(), e.getMessage()));
      }
    }
    // Bundles may need each other: all are installed before the first one starts.
    deployed.values().forEach(deployment -> deployment.start(framework));
    deployed.values().removeIf(deployment -> {
      boolean failed = deployment.failed();
      if (failed) {
        failures.put(deployment.path(), deployment.listings());
        deployment.uninstall(framework);
      }
      return failed;
    });
  }

  private static List<Listing> unreadable(Path path, IOException e) {
    return List.of(Listing.failed(null, path.getFileName().toString(), new Origin(Origin.Way.BUNDLE, "", null, path),
        e.getMessage()));
  }

  private Deployment install(BundleJar jar, List<ModuleDescriptor> others) throws IOException {
    if (framework == null) {
      framework = BundleFramework.start();
    }
    return Deployment.install(jar, others, jar.path().toUri() + "#" + installed++, framework);
  }

  private Map<Path, Stamp> scan() throws IOException {
    Map<Path, Stamp> stamps = new TreeMap<>();
    for (Path jar : JarDirectory.list(directory, "--plugins")) {
      try {
        BasicFileAttributes is = Files.readAttributes(jar, BasicFileAttributes.class);
        if (is.isRegularFile()) {
          stamps.put(jar, new Stamp(is.size(), is.lastModifiedTime(), is.fileKey()));
        }
      } catch (IOException e) {
        if (Files.isSymbolicLink(jar)) {
          stamps.put(jar, Stamp.NONE); // it leads nowhere, which is said when it is read
        }
      }
    }
    return stamps;
  }

  /** Every provider of every jar, and those that failed. */
  public synchronized List<Listing> listings() {
    return listings(null, null);
  }

  private List<Listing> listings(Path changed, Deployment next) {
    List<Listing> all = new ArrayList<>();
    deployed.forEach((path, deployment) -> all.addAll(path.equals(changed) ? List.of() : deployment.listings()));
    if (next != null) {
      all.addAll(next.listings());
    }
    failures.values().forEach(all::addAll);
    return all;
  }

  /**
   * Takes over what changed in the directory. A jar counts as changed when it is the same as in the call before and another than
   * was taken over: it may still be being copied. One that cannot be loaded, or that the trial refuses, leaves the version before
   * it in place.
   *
   * @return what was done, a line a jar; empty where nothing changed
   */
  public synchronized List<String> update(Trial trial) throws IOException {
    if (closed) {
      return List.of();
    }
    Map<Path, Stamp> now = scan();
    List<String> notes = new ArrayList<>();
    boolean changed = false;
    for (Path gone : done.keySet().stream().filter(path -> !now.containsKey(path)).toList()) {
      done.remove(gone);
      failures.remove(gone);
      retire(deployed.remove(gone));
      notes.add(gone.getFileName() + " was removed");
      changed = true;
    }
    for (Map.Entry<Path, Stamp> entry : now.entrySet()) {
      if (!entry.getValue().equals(done.get(entry.getKey())) && entry.getValue().equals(seen.get(entry.getKey()))) {
        notes.add(replace(entry.getKey(), trial));
        done.put(entry.getKey(), entry.getValue());
        changed |= !failures.containsKey(entry.getKey());
      }
    }
    seen = now;
    if (changed) {
      notes.addAll(retry(trial));
    }
    changes += notes.size();
    return notes;
  }

  /** What could not be used may have waited for a jar that came now, or for the room of one that went. */
  private List<String> retry(Trial trial) {
    List<String> notes = new ArrayList<>();
    boolean progress = true;
    while (progress) {
      progress = false;
      for (Path path : List.copyOf(failures.keySet())) {
        String note = replace(path, trial);
        if (!failures.containsKey(path)) {
          notes.add(note);
          progress = true;
        }
      }
    }
    return notes;
  }

  /** How often something changed; asked for often, to see whether to look closer. */
  public synchronized int changes() {
    return changes;
  }

  /**
   * Calls {@link #update} twice a second until this is closed.
   *
   * @param listener is told what was done, a line a jar
   */
  public synchronized void watch(Trial trial, Consumer<String> listener) {
    watcher = Thread.ofPlatform().daemon().name("spikellm: plug-ins of " + directory).start(() -> {
      String trouble = "";
      try {
        while (true) {
          Thread.sleep(WATCH_MILLIS);
          try {
            update(trial).forEach(listener);
            trouble = "";
          } catch (IOException | RuntimeException e) {
            // Said once: the directory may be away for long.
            if (!trouble.equals(String.valueOf(e.getMessage()))) {
              trouble = String.valueOf(e.getMessage());
              listener.accept(trouble);
            }
          }
        }
      } catch (InterruptedException e) {
        return; // closed
      }
    });
  }

  private String replace(Path path, Trial trial) {
    Deployment before = deployed.get(path);
    Deployment next = null;
    List<Listing> refused;
    try {
      BundleJar jar = BundleJar.read(path);
      try {
        next = install(jar, deployed.values().stream().map(Deployment::module).filter(Objects::nonNull).toList());
        next.start(framework);
        refused = next.listings().stream().filter(listing -> listing.state() == Listing.State.FAILED).toList();
        if (refused.isEmpty()) {
          trial.accept(listings(path, next));
        }
      } catch (IOException e) {
        refused = Deployment.failures(jar.module(), jar.origin(), e.getMessage());
      }
    } catch (IOException e) {
      refused = unreadable(path, e);
    }
    if (refused.isEmpty()) {
      failures.remove(path);
      deployed.put(path, next);
      retire(before);
      return path.getFileName() + (before == null ? " was added" : " was replaced");
    }
    failures.put(path, refused);
    if (next != null) {
      next.uninstall(framework);
    }
    return path.getFileName() + " cannot be used: " + refused.getFirst().reason()
        + (before == null ? "" : "; the version before it stays");
  }

  private void retire(Deployment deployment) {
    if (deployment != null && deployment.unused()) {
      deployment.uninstall(framework);
    } else if (deployment != null) {
      retired.add(deployment);
    }
  }

  /** Keeps the versions of now until the lease is closed. */
  public synchronized Lease lease() {
    List<Deployment> held = new ArrayList<>(deployed.values());
    held.forEach(Deployment::use);
    return new Lease(held, listings());
  }

  /** A right to run the classes of the plug-ins. */
  public final class Lease implements AutoCloseable {

    private final List<Deployment> held;
    private final List<Listing> listings;

    private Lease(List<Deployment> held, List<Listing> listings) {
      this.held = held;
      this.listings = listings;
    }

    /** The providers of the versions it keeps, and those that failed. */
    public List<Listing> listings() {
      return listings;
    }

    @Override
    public void close() {
      synchronized (Plugins.this) {
        for (Deployment deployment : held) {
          if (deployment.release() && retired.remove(deployment) && !closed) {
            deployment.uninstall(framework);
          }
        }
        held.clear();
      }
    }
  }

  /** Stops the framework. */
  @Override
  public synchronized void close() {
    closed = true;
    if (watcher != null) {
      watcher.interrupt();
    }
    if (framework != null) {
      framework.close();
      framework = null;
    }
  }
}
