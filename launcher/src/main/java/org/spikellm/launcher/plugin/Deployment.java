package org.spikellm.launcher.plugin;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.spikellm.launcher.registry.ApiVersion;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.TimeLimit;

/** One version of one jar, installed; or why it is not. */
final class Deployment {

  private static final Pattern PACKAGE = Pattern.compile("osgi\\.wiring\\.package=([\\w.]+)\\)(?:\\(version>=([\\d.]+))?"
      + "(?:\\)\\(!\\(version>=([\\d.]+))?");

  private final BundleJar jar;
  private final Origin origin;
  private final Bundle bundle;
  private List<Listing> listings = List.of();
  /** Requests that may still run its classes. */
  private int users;

  private Deployment(BundleJar jar, Bundle bundle) {
    this.jar = jar;
    this.bundle = bundle;
    this.origin = origin(jar);
  }

  static Origin origin(BundleJar jar) {
    return new Origin(Origin.Way.BUNDLE, jar.name(), jar.version(), jar.path());
  }

  /**
   * Installs a jar without starting it.
   *
   * @param location what tells it from other versions of the jar
   * @throws IOException if it cannot be installed; the message does not name the jar
   */
  static Deployment install(BundleJar jar, Collection<BundleJar> others, String location, BundleFramework framework)
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
    try {
      if (!jar.isFragment()) {
        TimeLimit.call(jar.name(), () -> {
          bundle.start(Bundle.START_TRANSIENT);
          return true;
        });
      }
      listings = BundleProviders.of(bundle, jar, origin, framework);
      if (listings.isEmpty() && !jar.isFragment() && bundle.getHeaders().get("Export-Package") == null) {
        fail("it offers no provider and exports no package");
      }
    } catch (BundleException e) {
      fail(readable(e));
    } catch (Throwable e) {
      fail(Listing.reason(e));
    }
  }

  private void fail(String reason) {
    listings = failures(jar, reason);
  }

  /** All that a jar was to provide. */
  static List<Listing> failures(BundleJar jar, String reason) {
    return jar.module() == null ? List.of(Listing.failed(null, jar.name(), origin(jar), reason))
        : Listing.failed(jar.module(), origin(jar), reason);
  }

  /** What it offers; what failed to load is among it. */
  List<Listing> listings() {
    return new ArrayList<>(listings);
  }

  BundleJar jar() {
    return jar;
  }

  Bundle bundle() {
    return bundle;
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
