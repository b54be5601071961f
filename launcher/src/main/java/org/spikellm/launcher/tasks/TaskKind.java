package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** A benchmark: the forms its items come in, and the text that each becomes. */
public sealed interface TaskKind permits Piqa, Arc, BoolQ, HellaSwag, WinoGrande, OpenBookQa, Lambada {

  /** All that are known. */
  List<TaskKind> ALL = List.of(new Piqa(), new Arc("arc_easy"), new Arc("arc_challenge"), new BoolQ(), new HellaSwag(),
      new WinoGrande(), new OpenBookQa(), new Lambada());

  /** Its name, which is also how a user names it. */
  String id();

  /** Whether a row has the fields of this benchmark and of no other. */
  boolean isSure(TaskRow row);

  /** Whether it has fields that this benchmark's rows may have, where the file's name says that it is this one. */
  boolean isPossible(TaskRow row);

  /** How file names call it, in small letters and digits alone. */
  default List<String> names() {
    return List.of(letters(id()));
  }

  /** Whether a file name speaks of this benchmark. */
  default boolean isNamedIn(String file) {
    return names().stream().anyMatch(letters(file)::contains);
  }

  /**
   * The item that a row holds.
   *
   * @throws IOException if a field is missing or wrong
   */
  TaskItem item(TaskRow row) throws IOException;

  private static String letters(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
  }
}
