package org.spikellm.launcher.registry;

import java.io.IOException;

/** A provider cannot be had; the message is one line that says which, why, and what there is instead. */
public final class RegistryException extends IOException {

  private static final long serialVersionUID = 1;

  private final boolean wrongCall;

  public RegistryException(String message) {
    this(message, false);
  }

  private RegistryException(String message, boolean wrongCall) {
    super(message);
    this.wrongCall = wrongCall;
  }

  /** What was asked for does not exist: another call is needed, not another machine. */
  static RegistryException wrongCall(String message) {
    return new RegistryException(message, true);
  }

  /** Whether the id, option or value that was asked for does not exist. */
  public boolean isWrongCall() {
    return wrongCall;
  }
}
