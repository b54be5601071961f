package org.spikellm.launcher.tasks;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * The items of a file of JSON lines.
 *
 * @param kind what they are
 * @param items at least one
 */
public record TaskFile(Path path, TaskKind kind, List<TaskItem> items) {

  private static final String LABELS = "-labels.lst";

  /**
   * Reads a file. Labels that its lines lack may lie beside it: those of {@code x.jsonl} in {@code x-labels.lst}, one a line.
   *
   * @param kind what it holds; null to tell from the first line's fields, and from the file's name where they leave it open
   * @throws IOException if a line cannot be an item of that kind, with its number
   */
  public static TaskFile read(Path path, TaskKind kind) throws IOException {
    List<TaskRow> rows = rows(path);
    TaskKind known = kind == null ? recognise(rows.getFirst()) : kind;
    List<TaskItem> items = new ArrayList<>();
    for (TaskRow row : rows) {
      items.add(known.item(row));
    }
    return new TaskFile(path, known, List.copyOf(items));
  }

  private static TaskKind recognise(TaskRow row) throws CheckpointException {
    String name = row.file().getFileName().toString();
    List<TaskKind> sure = TaskKind.ALL.stream().filter(kind -> kind.isSure(row)).toList();
    if (sure.size() == 1) {
      return sure.getFirst();
    }
    List<TaskKind> possible = TaskKind.ALL.stream().filter(kind -> kind.isPossible(row)).toList();
    List<TaskKind> named = possible.stream().filter(kind -> kind.isNamedIn(name)).toList();
    if (named.size() == 1) {
      return named.getFirst();
    }
    List<String> ids = (possible.isEmpty() ? TaskKind.ALL : possible).stream().map(TaskKind::id).toList();
    throw new CheckpointException(row.file() + ": line " + row.line() + ": expected a file name or fields that tell which task "
        + "this is, found fields " + String.join(", ", row.fields().keySet()) + "; say it as " + ids.getFirst() + "=" + row.file()
        + (ids.size() == 1 ? "" : ", with one of " + String.join(", ", ids)));
  }

  private static List<TaskRow> rows(Path path) throws IOException {
    List<TaskRow> rows = new ArrayList<>();
    List<String> lines = lines(path);
    String name = path.getFileName().toString();
    Path labels = path.resolveSibling(name.substring(0, name.contains(".") ? name.lastIndexOf('.') : name.length()) + LABELS);
    for (int i = 0; i < lines.size(); i++) {
      if (!lines.get(i).isBlank()) {
        Map<String, Object> fields = parse(path, i + 1, lines.get(i));
        rows.add(new TaskRow(path, i + 1, fields, fields.get("label") == null ? labels : path));
      }
    }
    if (rows.isEmpty()) {
      throw new CheckpointException(path + ": expected JSON lines, one object for each item; found none");
    }
    return rows.getFirst().has("label") || !Files.exists(labels) ? rows : labelled(rows, labels);
  }

  private static Map<String, Object> parse(Path path, int line, String text) throws CheckpointException {
    if (text.stripLeading().startsWith("[")) {
      throw new CheckpointException(path + ": line " + line + ": expected a JSON object, found a list; write one object a line, "
          + "as jq -c '.[]' does");
    }
    try {
      return Json.parseObject(text.getBytes(StandardCharsets.UTF_8), path + ": line " + line);
    } catch (CheckpointException e) {
      throw new CheckpointException(e.getMessage().replace("(line 1, column", "(column"), e);
    }
  }

  private static List<TaskRow> labelled(List<TaskRow> rows, Path file) throws IOException {
    List<String> labels = lines(file).stream().filter(line -> !line.isBlank()).map(String::strip).toList();
    if (labels.size() != rows.size()) {
      throw new CheckpointException(file + ": expected " + rows.size() + " labels, one for each item of "
          + rows.getFirst().file().getFileName() + ", found " + labels.size());
    }
    List<TaskRow> labelled = new ArrayList<>();
    for (TaskRow row : rows) {
      Map<String, Object> fields = new LinkedHashMap<>(row.fields());
      fields.put("label", labels.get(labelled.size()));
      labelled.add(new TaskRow(row.file(), row.line(), fields, file));
    }
    return labelled;
  }

  private static List<String> lines(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      throw new CheckpointException(path + ": expected a file of JSON lines, found "
          + (Files.exists(path) ? "something else" : "nothing"));
    }
    List<String> lines = new ArrayList<>();
    try (BufferedReader reader = Files.newBufferedReader(path)) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        lines.add(line);
      }
      return lines;
    } catch (CharacterCodingException e) {
      throw new CheckpointException(path + ": expected UTF-8 text, found other bytes after line " + lines.size(), e);
    }
  }
}
