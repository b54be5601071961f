package org.spikellm.launcher.registry;

import java.util.Map;
import org.spikellm.api.Provider;

/**
 * What plug-ins of every kind have in common, watched.
 *
 * @param <P> the kind
 */
class Guarded<P extends Provider> {

  /** The plug-in's own. */
  protected final P provider;
  /** Who watches it. */
  protected final Guard guard;

  Guarded(P provider, Guard guard) {
    this.provider = provider;
    this.guard = guard;
  }

  /** The id that it had when it was loaded. */
  public final String id() {
    return guard.id();
  }

  /** Its options with their defaults. */
  public final Map<String, String> options() {
    return guard.call("options", provider::options);
  }

  /** Another one with these options, watched likewise. */
  public final Provider configure(Map<String, String> options) {
    return guard.over(guard.ask("configure", () -> provider.configure(options)));
  }
}
