package org.spikellm.model;

import java.io.IOException;

/** A checkpoint cannot be read or written; the message is one line: what, where, expected, found, what to do. */
public final class CheckpointException extends IOException {

  private static final long serialVersionUID = 1;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }
}
