package org.spikellm.launcher.registry;

import java.io.IOException;

/** A provider cannot be had; the message is one line that says which, why, and what there is instead. */
public final class RegistryException extends IOException {

  private static final long serialVersionUID = 1;

  public RegistryException(String message) {
    super(message);
  }
}
