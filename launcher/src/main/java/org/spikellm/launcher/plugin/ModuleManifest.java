package org.spikellm.launcher.plugin;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.jar.Attributes;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Constants;
import org.spikellm.launcher.registry.ApiVersion;

/** The headers of a bundle that follow from a module-info, so that this one is all that an author writes. */
final class ModuleManifest {

  private static final Pattern NUMBERS = Pattern.compile("(\\d{1,9})(?:\\.(\\d{1,9}))?(?:\\.(\\d{1,9}))?(.*)");

  private ModuleManifest() {}

  /**
   * Adds the headers to {@code main}.
   *
   * @param others modules of other jars, which it may require
   * @throws IOException if it requires a module that is not there
   */
  static void write(ModuleDescriptor module, Collection<ModuleDescriptor> others, Attributes main) throws IOException {
    List<String> imports = new ArrayList<>();
    for (ModuleDescriptor.Requires required : module.requires()) {
      boolean optional = required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC);
      Optional<List<String>> packages = packages(module, required.name(), others);
      if (packages.isEmpty() && !optional) {
        throw new IOException("it requires module " + required.name() + ", which is none of the JDK's in use, "
            + String.join(", ", ApiVersion.MODULES) + " or of a jar beside it");
      }
      packages.orElse(List.of()).forEach(name -> imports.add(optional ? name + ";resolution:=optional" : name));
    }
    main.putValue(Attributes.Name.MANIFEST_VERSION.toString(), "1.0");
    main.putValue(Constants.BUNDLE_MANIFESTVERSION, "2");
    main.putValue(Constants.BUNDLE_SYMBOLICNAME, module.name());
    String version = version(module);
    main.putValue(Constants.BUNDLE_VERSION, version);
    header(main, Constants.IMPORT_PACKAGE, imports.stream().distinct().toList());
    header(main, Constants.EXPORT_PACKAGE,
        BundleFramework.exports(module).stream().map(name -> name + ";version=\"" + version + "\"").toList());
  }

  private static void header(Attributes main, String name, List<String> clauses) {
    if (!clauses.isEmpty()) {
      main.putValue(name, String.join(",", clauses));
    }
  }

  /** What a module that is required exports, as clauses of Import-Package; nothing where there is no such module. */
  private static Optional<List<String>> packages(ModuleDescriptor module, String required, Collection<ModuleDescriptor> others) {
    Optional<Module> boot = ModuleManifest.class.getModule().getLayer().findModule(required);
    if (ApiVersion.MODULES.contains(required) && boot.isPresent()) {
      return Optional.of(versioned(BundleFramework.exports(boot.get().getDescriptor()), ApiVersion.compiledAgainst(module)));
    }
    if (BundleFramework.ofTheJdk(required)) {
      return boot.map(jdk -> BundleFramework.exports(jdk.getDescriptor()).stream().filter(name -> !name.startsWith("java."))
          .toList());
    }
    return others.stream().filter(other -> other.name().equals(required)).findFirst().map(BundleFramework::exports);
  }

  /** As bnd writes it: the version compiled against, up to the next major one. */
  private static List<String> versioned(List<String> packages, Optional<ApiVersion> compiled) {
    return packages.stream().map(name -> compiled.map(v -> name + ";version=\"[" + v + "," + (v.major() + 1) + ")\"")
        .orElse(name)).toList();
  }

  /** 0.1.0-SNAPSHOT is 0.1.0.SNAPSHOT in OSGi. */
  private static String version(ModuleDescriptor module) {
    Matcher numbers = NUMBERS.matcher(module.rawVersion().orElse("0"));
    if (!numbers.matches()) {
      return "0.0.0";
    }
    String qualifier = numbers.group(4).replaceAll("[^A-Za-z0-9_-]", "_").replaceFirst("^[-_]+", "");
    return numbers.group(1) + "." + or0(numbers.group(2)) + "." + or0(numbers.group(3))
        + (qualifier.isEmpty() ? "" : "." + qualifier);
  }

  private static String or0(String number) {
    return number == null ? "0" : number;
  }
}
