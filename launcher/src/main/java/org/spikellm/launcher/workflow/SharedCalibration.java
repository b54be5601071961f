package org.spikellm.launcher.workflow;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.spikellm.api.Tensor;
import org.spikellm.model.BlockStatistics;
import org.spikellm.model.CalibrationStream;
import org.spikellm.model.InputRanges;

/**
 * What quantizations of one source on one set of windows have in common: the float stream through all blocks, and the statistics
 * of the first
 * block's inputs, before which nothing is quantized.
 */
final class SharedCalibration {

  private record FloatBlock(List<Tensor> outputs, InputRanges ranges) {}

  private final Map<Integer, FloatBlock> blocks = new HashMap<>();
  private final Map<Boolean, BlockStatistics> first = new HashMap<>();
  private long room;

  /** @param room bytes that it may hold; what has no room is computed each time */
  SharedCalibration(long room) {
    this.room = room;
  }

  /**
   * Takes a float stream through block {@code index}.
   *
   * @param run does so where it was not done before, and tells what the block's inputs were like
   */
  InputRanges advance(int index, CalibrationStream stream, Supplier<InputRanges> run) {
    FloatBlock known = blocks.get(index);
    if (known != null) {
      stream.replace(known.outputs());
      return known.ranges();
    }
    InputRanges ranges = run.get();
    if (stream.bytes() <= room) {
      room -= stream.bytes();
      blocks.put(index, new FloatBlock(stream.copies(), ranges));
    }
    return ranges;
  }

  /** Statistics of the first block's inputs, with their Grams or without. */
  BlockStatistics first(boolean withGram, Function<Boolean, BlockStatistics> observe) {
    return first.computeIfAbsent(withGram, observe);
  }
}
