package org.spikellm.launcher.plugin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.module.ModuleDescriptor;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.wiring.BundleWiring;
import org.spikellm.api.Provider;
import org.spikellm.launcher.registry.Kind;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Origin;
import org.spikellm.launcher.registry.ServiceClass;

/**
 * What a started bundle offers: the classes that its module-info provides, those that META-INF/services names, and the services
 * that its activator registered.
 */
final class BundleProviders {

  private BundleProviders() {}

  static List<Listing> of(Bundle bundle, ModuleDescriptor module, Origin origin, BundleFramework framework) throws IOException {
    ClassLoader loader = bundle.adapt(BundleWiring.class).getClassLoader();
    List<Listing> found = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      Set<String> classes = new LinkedHashSet<>(ServiceClass.provided(module, kind));
      classes.addAll(named(bundle, kind));
      for (String name : classes) {
        found.add(Listing.load(kind, name, origin, loader, () -> ServiceClass.make(kind, bundle.loadClass(name))));
      }
      for (ServiceReference<?> service : registered(bundle, kind)) {
        Listing listing = Listing.load(kind, "a service", origin, loader,
            () -> (Provider) kind.type().cast(framework.service(service)));
        if (listing.provider() == null || !classes.contains(listing.provider().getClass().getName())) {
          found.add(listing);
        }
      }
    }
    return found;
  }

  private static List<String> named(Bundle bundle, Kind kind) throws IOException {
    URL file = bundle.getEntry("META-INF/services/" + kind.type().getName());
    if (file == null) {
      return List.of();
    }
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(file.openStream(), StandardCharsets.UTF_8))) {
      return lines.lines().map(line -> line.replaceFirst("#.*", "").strip()).filter(line -> !line.isEmpty()).toList();
    }
  }

  private static List<ServiceReference<?>> registered(Bundle bundle, Kind kind) {
    ServiceReference<?>[] all = bundle.getRegisteredServices();
    return all == null ? List.of() : Arrays.stream(all)
        .<ServiceReference<?>>filter(service -> List.of((String[]) service.getProperty(Constants.OBJECTCLASS))
        .contains(kind.type().getName()))
        .toList();
  }
}
