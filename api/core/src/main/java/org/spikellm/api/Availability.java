package org.spikellm.api;

/** What a backend's probe found. */
public sealed interface Availability {

  /**
   * The backend can be opened.
   *
   * @param device what it runs on, in words
   * @param speed rank among the available backends; {@code auto} takes the highest. Plain Java is 0, vectors 100, native code
   *     200, a GPU 300
   */
  record Available(String device, int speed) implements Availability {}

  /**
   * The backend cannot be opened.
   *
   * @param reason what is missing and what to do about it, in one line
   */
  record Unavailable(String reason) implements Availability {}
}
