package org.spikellm.launcher.registry;

import org.spikellm.api.Provider;

/**
 * A provider that was found, or one that failed to load.
 *
 * @param kind what it is
 * @param id its id, or the class's name where it failed to load
 * @param origin the module and jar it comes from
 * @param provider the provider, or null where it failed to load
 * @param failure why it failed to load, or null
 */
public record Listing(Kind kind, String id, String origin, Provider provider, String failure) {}
