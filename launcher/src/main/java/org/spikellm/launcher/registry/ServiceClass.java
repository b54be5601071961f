package org.spikellm.launcher.registry;

import java.lang.module.ModuleDescriptor;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.spikellm.api.Provider;

/** Finds and makes the services of plug-ins as the service loader does, but knows of each one which jar it is of. */
public final class ServiceClass {

  private ServiceClass() {}

  /** The classes with which a module provides a kind; none for no module. */
  public static List<String> provided(ModuleDescriptor module, Kind kind) {
    List<String> names = new ArrayList<>();
    if (module != null) {
      module.provides().stream().filter(provides -> provides.service().equals(kind.type().getName()))
          .forEach(provides -> names.addAll(provides.providers()));
    }
    return names;
  }

  /** A provider: by a public static method {@code provider}, else by the constructor without parameters. */
  public static Provider make(Kind kind, Class<?> type) throws ReflectiveOperationException {
    Method maker = Stream.of(type.getMethods()).filter(method -> method.getName().equals("provider")
        && method.getParameterCount() == 0 && Modifier.isStatic(method.getModifiers())).findFirst().orElse(null);
    Object made = maker == null ? type.getConstructor().newInstance() : maker.invoke(null);
    if (!kind.type().isInstance(made)) {
      throw new IllegalStateException(type.getName() + " is no " + kind.type().getName());
    }
    return (Provider) made;
  }
}
