package org.spikellm.launcher.plugin;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.TimeLimit;

/** One version of one jar, installed; or why it is not. */
final class Deployment {

  private static final Pattern PACKAGE = Pattern.compile("osgi\\.wiring\\.package=([\\w.]+)\\)(?:\\(version>=([\\d.]+))?"
      + "(?:\\)\\(!\\(version>=([\\d.]+))?");

  private final ModuleDescriptor module;
  private final boolean fragment;
  private final Origin origin;
  private final Bundle bundle;
  private List<Listing> listings = List.of();
  /** Requests that may still run its classes. */
  private int users;

  private Deployment(BundleJar jar, Bundle bundle) {
    module = jar.module();
    fragment = jar.isFragment();
    origin = jar.origin();
    this.bundle = bundle;
  }

  /**
   * Installs a jar without starting it.
   *
   * @param others the modules of other jars, which it may require
   * @param location what tells it from other versions of the jar
   * @throws IOException if it cannot be installed; the message does not name the jar
   */
  static Deployment install(BundleJar jar, Collection<ModuleDescriptor> others, String location, BundleFramework framework)
      throws IOException {
    String refusal = jar.module() == null ? null : ApiVersion.refusal(jar.module()).orElse(null);
    if (refusal != null) {
      throw new IOException(refusal);
    }
    try {
      return new Deployment(jar, framework.install(location, jar.installable(others)));
    } catch (BundleException e) {
      throw new IOException(readable(e), e);
    }
  }

  /** Starts it and finds its providers, or says why it has none. */
  void start(BundleFramework framework) {
    if (fragment) {
      return;
    }
    try {
      TimeLimit.call(origin.module(), () -> framework.start(bundle, origin));
      listings = BundleProviders.of(bundle, module, origin, framework);
      if (listings.isEmpty() && bundle.getHeaders().get(Constants.EXPORT_PACKAGE) == null) {
        fail("it offers no provider and exports no package");
      }
    } catch (BundleException e) {
      fail(readable(e));
    } catch (Throwable e) {
      fail(Listing.reason(e));
    }
  }

  private void fail(String reason) {
    listings = failures(module, origin, reason);
  }

  /** All that a jar was to provide. */
  static List<Listing> failures(ModuleDescriptor module, Origin origin, String reason) {
    return module == null ? List.of(Listing.failed(null, origin.module(), origin, reason))
        : Listing.failed(module, origin, reason);
  }

  /** Whether nothing of it can be used. */
  boolean failed() {
    return !listings.isEmpty() && listings.stream().allMatch(listing -> listing.state() == Listing.State.FAILED);
  }

  /** Where its jar lies. */
  Path path() {
    return origin.jar();
  }

  /** What it offers; what failed to load is among it. */
  List<Listing> listings() {
    return new ArrayList<>(listings);
  }

  /** Its module, or null where it is none. */
  ModuleDescriptor module() {
    return module;
  }

  /** Takes it out of the framework; an activator that does not come back is left to itself. */
  void uninstall(BundleFramework framework) {
    try {
      TimeLimit.call("end of " + origin.module(), () -> framework.uninstall(bundle, origin));
    } catch (Throwable e) {
      return; // the framework has done its part, and the jar is not used any more
    }
  }

  void use() {
    users++;
  }

  /** Whether nobody uses it after this. */
  boolean release() {
    return --users == 0;
  }

  boolean unused() {
    return users == 0;
  }

  /** The framework names requirements as filters. */
  private static String readable(BundleException e) {
    String message = String.valueOf(e.getMessage());
    Matcher needed = PACKAGE.matcher(message);
    if (e.getType() == BundleException.ACTIVATOR_ERROR && e.getCause() != null) {
      return "its activator failed: " + Listing.reason(e.getCause());
    }
    if (e.getType() != BundleException.RESOLVE_ERROR && !message.contains("missing requirement") || !needed.find()) {
      return message;
    }
    String range = needed.group(2) == null ? "" : " of version " + needed.group(2) + (needed.group(3) == null ? " or later"
        : " or later, before " + needed.group(3));
    String here = needed.group(1).startsWith("org.spikellm.") && !needed.group(1).startsWith("org.spikellm.launcher")
        ? "this program has version " + ApiVersion.here() : "no jar and no open module has it";
    return "it needs package " + needed.group(1) + range + "; " + here;
  }
}
