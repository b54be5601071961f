package org.spikellm.launcher.tasks;

import java.util.List;

/**
 * A benchmark to score models on.
 *
 * @param name its kind's, with the file's where several files are of one kind
 * @param items in the file's order, as many as are wanted
 * @param shots examples before each item
 */
public record Task(String name, TaskFile file, List<TaskItem> items, Shots shots) {

  /** What an item's option is given, examples first. */
  public String context(TaskItem item, TaskItem.Option option) {
    return shots.before(item) + option.context();
  }
}
