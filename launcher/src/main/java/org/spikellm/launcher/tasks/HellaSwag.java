package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** HellaSwag: how a scene or a piece of advice goes on. */
record HellaSwag() implements TaskKind {

  /** Marks that the WikiHow part of the items has. */
  private static final Pattern BRACKETS = Pattern.compile("\\[.*?\\]", Pattern.UNIX_LINES);

  @Override
  public String id() {
    return "hellaswag";
  }

  @Override
  public boolean isSure(TaskRow row) {
    return row.has("activity_label", "ctx_a", "endings");
  }

  @Override
  public boolean isPossible(TaskRow row) {
    return row.isQuery();
  }

  @Override
  public TaskItem item(TaskRow row) throws IOException {
    if (row.isQuery()) {
      return row.query(row.text("query"));
    }
    List<String> endings = new ArrayList<>();
    for (String ending : row.texts("endings")) {
      endings.add(cleaned(ending));
    }
    String scene = row.text("ctx_a") + " " + capitalized(row.has("ctx_b") ? row.text("ctx_b") : "");
    int gold = row.index("label", 0, endings.size());
    return TaskItem.of(row.line(), cleaned(row.text("activity_label") + ": " + scene), endings, gold);
  }

  private static String cleaned(String text) {
    String titled = Blanks.strip(text).replace(" [title]", ". ");
    return BRACKETS.matcher(titled).replaceAll("").replace("  ", " ");
  }

  /** As Python capitalizes: the first letter large, all others small. */
  private static String capitalized(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    return Character.toString(Character.toTitleCase(first)) + text.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
  }
}
