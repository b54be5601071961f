package org.spikellm.launcher.plugin;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.module.ModuleDescriptor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
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
import org.spikellm.api.Provider;
import org.spikellm.launcher.registry.Kind;
import org.spikellm.launcher.registry.Listing;
import org.spikellm.launcher.registry.Origin;

/**
 * What a started bundle offers: the classes that its module-info provides, those that META-INF/services names, and the services
 * that its activator registered.
 */
final class BundleProviders {

  private BundleProviders() {}

  static List<Listing> of(Bundle bundle, BundleJar jar, Origin origin, BundleFramework framework) throws IOException {
    List<Listing> found = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      Set<String> classes = provided(jar.module(), kind);
      classes.addAll(named(bundle, kind));
      for (String name : classes) {
        found.add(Listing.load(kind, name, origin, () -> instance(bundle, kind, name)));
      }
      for (ServiceReference<?> service : registered(bundle, kind)) {
        Object object = framework.service(service);
        if (object != null && !classes.contains(object.getClass().getName())) {
          found.add(Listing.load(kind, object.getClass().getName(), origin, () -> (Provider) kind.type().cast(object)));
        }
      }
    }
    return found;
  }

  private static Set<String> provided(ModuleDescriptor module, Kind kind) {
    Set<String> names = new LinkedHashSet<>();
    if (module != null) {
      module.provides().stream().filter(provides -> provides.service().equals(kind.type().getName()))
          .forEach(provides -> names.addAll(provides.providers()));
    }
    return names;
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

  /** As the service loader makes it: by a public static method {@code provider}, else by the constructor without parameters. */
  private static Provider instance(Bundle bundle, Kind kind, String name) throws Exception {
    Class<?> type = bundle.loadClass(name);
    try {
      var maker = Arrays.stream(type.getMethods())
          .filter(m -> m.getName().equals("provider") && m.getParameterCount() == 0 && Modifier.isStatic(m.getModifiers()))
          .findFirst();
      Object made = maker.isPresent() ? maker.get().invoke(null) : type.getConstructor().newInstance();
      if (!kind.type().isInstance(made)) {
        throw new IllegalStateException(name + " is no " + kind.type().getName());
      }
      return (Provider) made;
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof Exception exception ? exception : e;
    }
  }
}
