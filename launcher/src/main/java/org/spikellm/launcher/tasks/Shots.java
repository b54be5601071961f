package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.spikellm.model.CheckpointException;

/**
 * Solved items before each item, the same ones for all, so that what they make of the cache is computed once.
 *
 * @param drawn one more than is needed, where there are so many, to stand in where an item is itself among them
 * @param count how many an item gets
 */
public record Shots(List<TaskItem> drawn, int count) {

  static final Shots NONE = new Shots(List.of(), 0);

  /**
   * Draws examples without repetition.
   *
   * @param own whether the items that they are for are in the same file
   * @throws IOException if the file has too few
   */
  static Shots draw(TaskFile file, int count, boolean own, long seed) throws IOException {
    if (count == 0) {
      return NONE;
    }
    int needed = own ? count + 1 : count;
    if (file.items().size() < needed) {
      throw new CheckpointException(file.path() + ": expected " + needed + " items or more for --shots " + count + ", found "
          + file.items().size() + "; ask for fewer, or name another file with --shots-from");
    }
    List<TaskItem> shuffled = new ArrayList<>(file.items());
    Collections.shuffle(shuffled, new Random(seed));
    return new Shots(List.copyOf(shuffled.subList(0, Math.min(count + 1, shuffled.size()))), count);
  }

  /** The text before an item; examples that say the same as the item are passed over. */
  String before(TaskItem item) {
    StringBuilder text = new StringBuilder();
    drawn.stream().map(TaskItem::solved).filter(shot -> !shot.equals(item.solved())).limit(count)
        .forEach(shot -> text.append(shot).append("\n\n"));
    return text.toString();
  }
}
