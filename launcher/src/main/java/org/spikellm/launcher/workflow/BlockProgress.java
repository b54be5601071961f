package org.spikellm.launcher.workflow;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.spikellm.api.TrainingListener;

/** Shows how the training of one block goes, and keeps its warnings. */
final class BlockProgress implements TrainingListener {

  private final Progress progress;
  private final String block;
  private final long begin;
  private final long length;
  private final List<String> warnings = new ArrayList<>();

  /**
   * For a block whose training takes {@code length} units of the progress, from {@code begin} on.
   *
   * @param index of the block, from 0
   */
  BlockProgress(Progress progress, int index, int blocks, long begin, long length) {
    this.progress = progress;
    this.block = "block " + (index + 1) + " of " + blocks;
    this.begin = begin;
    this.length = length;
  }

  @Override
  public void step(int done, int of) {
    progress.at(begin + length * done / of);
  }

  @Override
  public void epoch(int epoch, double loss) {
    progress.note(String.format(Locale.ROOT, "%s, epoch %d: loss %.4g", block, epoch + 1, loss));
  }

  @Override
  public void learned(String name, float[] values) {}

  @Override
  public void warning(String what) {
    warnings.add(what);
    progress.say("warning: " + block + ": " + what);
  }

  List<String> warnings() {
    return warnings;
  }

  /** The block is done. */
  void finished(double[] losses) {
    if (losses.length > 1) {
      progress.say(String.format(Locale.ROOT, "%s: loss %.4g after the first epoch, %.4g after the last", block, losses[0],
          losses[losses.length - 1]));
    }
  }
}
