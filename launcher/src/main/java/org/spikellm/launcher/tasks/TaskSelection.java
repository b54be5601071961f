package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.spikellm.model.CheckpointException;

/**
 * A file that a user named as a task.
 *
 * @param kind what it holds, where the user said so; else null
 */
public record TaskSelection(Path path, TaskKind kind) {

  private static final String EXTENSION = ".jsonl";

  /**
   * What arguments name: each {@code FILE}, {@code KIND=FILE} or {@code DIRECTORY}, or several of them parted by commas.
   *
   * @throws IllegalArgumentException if there is no such kind
   * @throws IOException if a directory holds no tasks
   */
  public static List<TaskSelection> parse(List<String> arguments) throws IOException {
    List<TaskSelection> selected = new ArrayList<>();
    for (String argument : arguments) {
      for (String part : Files.exists(Path.of(argument)) ? new String[] {argument} : argument.split(",", -1)) {
        TaskSelection one = one(part);
        selected.addAll(Files.isDirectory(one.path()) ? one.files() : List.of(one));
      }
    }
    return selected.stream().distinct().toList();
  }

  private static TaskSelection one(String argument) {
    if (argument.isBlank()) {
      throw new IllegalArgumentException("expected a file, found nothing");
    }
    int equals = argument.indexOf('=');
    if (equals < 0 || Files.exists(Path.of(argument))) {
      return new TaskSelection(Path.of(argument), null);
    }
    String id = argument.substring(0, equals);
    TaskKind kind = TaskKind.ALL.stream().filter(known -> known.id().equals(id)).findFirst()
        .orElseThrow(() -> new IllegalArgumentException("there is no task '" + id + "'; known ones: "
            + TaskKind.ALL.stream().map(TaskKind::id).collect(Collectors.joining(", "))));
    return new TaskSelection(Path.of(argument.substring(equals + 1)), kind);
  }

  private List<TaskSelection> files() throws IOException {
    try (Stream<Path> list = Files.list(path)) {
      List<TaskSelection> files = list.filter(file -> file.getFileName().toString().endsWith(EXTENSION)).sorted()
          .map(file -> new TaskSelection(file, kind)).toList();
      if (files.isEmpty()) {
        throw new CheckpointException(path + ": expected a directory with *" + EXTENSION + " files, found none in it");
      }
      return files;
    }
  }

  /**
   * Reads the tasks.
   *
   * @param limit most items of each
   * @param shots examples before each item
   * @param from files of examples, by their kind; where there is none of a task's kind, its own file is taken
   * @param seed of the drawing of examples
   */
  public static List<Task> read(List<TaskSelection> selected, int limit, int shots, List<TaskSelection> from, long seed)
      throws IOException {
    Map<TaskKind, TaskFile> examples = new LinkedHashMap<>();
    for (TaskSelection one : from) {
      TaskFile file = TaskFile.read(one.path(), one.kind());
      if (examples.put(file.kind(), file) != null) {
        throw new CheckpointException(one.path() + ": expected one file of examples a task, found a second one of "
            + file.kind().id());
      }
    }
    List<TaskFile> files = new ArrayList<>();
    for (TaskSelection one : selected) {
      files.add(TaskFile.read(one.path(), one.kind()));
    }
    List<Task> tasks = new ArrayList<>();
    for (TaskFile file : files) {
      boolean alone = files.stream().filter(other -> other.kind().equals(file.kind())).count() == 1;
      TaskFile source = examples.getOrDefault(file.kind(), file);
      tasks.add(new Task(alone ? file.kind().id() : file.kind().id() + ":" + file.path(), file,
          file.items().subList(0, Math.min(limit, file.items().size())), Shots.draw(source, shots, source == file, seed)));
    }
    return tasks;
  }
}
