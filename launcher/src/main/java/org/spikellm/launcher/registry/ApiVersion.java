package org.spikellm.launcher.registry;

import java.lang.module.ModuleDescriptor;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.spikellm.api.Provider;

/**
 * Major and minor version of the API. A plug-in fits the API of the same major version that is not older than the one it was
 * compiled against; the compiler writes that one into its module-info.
 *
 * @param major changes when plug-ins have to change
 * @param minor changes when something is added
 */
public record ApiVersion(int major, int minor) {

  /** The modules of the program that plug-ins see. */
  public static final List<String> MODULES = List.of("org.spikellm.api", "org.spikellm.model");

  private static final Pattern NUMBERS = Pattern.compile("(\\d{1,9})(?:\\.(\\d{1,9}))?.*");

  /** This program's. */
  public static ApiVersion here() {
    return parse(program()).orElseThrow();
  }

  /** This program's whole version: that of its modules, or of the source where it does not run as modules. */
  public static String program() {
    return Optional.ofNullable(Provider.class.getModule().getDescriptor()).flatMap(ModuleDescriptor::rawVersion)
        .orElse("0.1.0-SNAPSHOT");
  }

  /** The one a module was compiled against, where it tells. */
  public static Optional<ApiVersion> compiledAgainst(ModuleDescriptor module) {
    return module.requires().stream().filter(required -> required.name().equals(Provider.class.getModule().getName()))
        .flatMap(required -> required.rawCompiledVersion().stream()).findFirst().flatMap(ApiVersion::parse);
  }

  private static Optional<ApiVersion> parse(String version) {
    Matcher numbers = NUMBERS.matcher(version);
    return numbers.matches() ? Optional.of(new ApiVersion(Integer.parseInt(numbers.group(1)),
        numbers.group(2) == null ? 0 : Integer.parseInt(numbers.group(2)))) : Optional.empty();
  }

  /** Whether a plug-in that was compiled against this one runs on that one. */
  boolean runsOn(ApiVersion other) {
    return major == other.major && minor <= other.minor;
  }

  /** Why a module cannot be used with this program's API, or nothing. */
  public static Optional<String> refusal(ModuleDescriptor module) {
    return compiledAgainst(module).filter(version -> !version.runsOn(here()))
        .map(version -> "it was made for version " + version + " of the API, this program has " + here());
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
