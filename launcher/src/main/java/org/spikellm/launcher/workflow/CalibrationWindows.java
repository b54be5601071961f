package org.spikellm.launcher.workflow;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.spikellm.model.CheckpointException;

/** Calibration windows: starts drawn from the whole tokenized text by a seeded generator. */
final class CalibrationWindows {

  private CalibrationWindows() {}

  /**
   * Draws windows, which may overlap.
   *
   * @param ids the text's tokens
   * @param source names the text in errors
   * @throws CheckpointException if the text is shorter than one window
   */
  static List<int[]> draw(int[] ids, String source, int samples, int sequence, long seed) throws CheckpointException {
    if (ids.length < sequence) {
      throw new CheckpointException(source + ": expected at least one window of " + sequence + " tokens, found " + ids.length
          + " tokens; give a longer text or a smaller --sequence");
    }
    Random random = new Random(seed);
    List<int[]> windows = new ArrayList<>();
    for (int i = 0; i < samples; i++) {
      int start = random.nextInt(ids.length - sequence + 1);
      windows.add(Arrays.copyOfRange(ids, start, start + sequence));
    }
    return windows;
  }
}
