package org.spikellm.launcher.workflow;

/** Shows how far a long piece of work is. */
public interface Progress {

  /** Shows nothing. */
  Progress NONE = new Progress() {
    @Override
    public void begin(String label, long total, String unit) {}

    @Override
    public void at(long done) {}

    @Override
    public void end() {}

    @Override
    public void say(String line) {}
  };

  /**
   * A piece of work begins; the one before has ended.
   *
   * @param total how many units it has
   */
  void begin(String label, long total, String unit);

  /** So many units are done. */
  void at(long done);

  /** The piece of work has ended. */
  void end();

  /** A line beside the progress: a warning, a result. */
  void say(String line);

  /** A few words on the piece of work at hand, which those of the next call replace. */
  default void note(String text) {}
}
