package org.spikellm.launcher.registry;

/** A plug-in did what its contract does not allow; the message is one line that says which, from which jar, and what it did. */
public final class ProviderFailure extends RuntimeException {

  private static final long serialVersionUID = 1;

  ProviderFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
