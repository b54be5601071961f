package org.spikellm.launcher.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.launcher.tasks.TaskItem.Option;

/** The texts that items become, from each form that they come in. */
class TaskFileTest {

  @TempDir
  private Path temporary;

  /** A file of JSON lines, written with single quotes. */
  private Path file(String name, String... rows) throws IOException {
    return Files.writeString(temporary.resolve(name), String.join("\n", rows).replace('\'', '"') + "\n");
  }

  private TaskItem item(String file, String row) throws IOException {
    return TaskFile.read(file(file, row), null).items().getFirst();
  }

  private static List<Task> tasks(int limit, int shots, long seed, String argument) throws IOException {
    return TaskSelection.read(TaskSelection.parse(List.of(argument)), limit, shots, List.of(), seed);
  }

  private static void assertItem(TaskItem item, int gold, String context, String... answers) {
    assertEquals(gold, item.gold());
    assertEquals(List.of(answers).stream().map(answer -> new Option(context, answer)).toList(), item.options());
  }

  @Test
  void piqa() throws IOException {
    String expected = "Question: Stop a leak\nAnswer:";
    assertItem(item("any.jsonl", "{'goal': 'Stop a leak', 'sol1': 'with tape ', 'sol2': 'with air', 'label': 1}"), 1,
        expected, "with tape ", "with air");
    assertItem(item("PIQA.val.jsonl", "{'query': 'Stop a leak', 'choices': ['with tape', 'with air'], 'gold': 0}"), 0,
        expected, "with tape", "with air");
  }

  @Test
  void labelsBesideTheItems() throws IOException {
    Files.writeString(temporary.resolve("x-labels.lst"), "1\n0\n");
    TaskFile read = TaskFile.read(file("x.jsonl", "{'goal': 'a', 'sol1': 'b', 'sol2': 'c'}", "",
        "{'goal': 'd', 'sol1': 'e', 'sol2': 'f'}"), null);
    assertEquals(List.of(1, 0), read.items().stream().map(TaskItem::gold).toList());
    assertEquals(List.of(1, 3), read.items().stream().map(TaskItem::line).toList());
    assertEquals("piqa", read.kind().id());
  }

  @Test
  void arc() throws IOException {
    String expected = "Question: Why?\nAnswer:";
    assertItem(item("ARC-Easy-Test.jsonl", "{'id': 'q', 'question': 'Why?', "
        + "'choices': {'text': ['so', 'no'], 'label': ['1', '2']}, 'answerKey': '2'}"), 1, expected, "so", "no");
    assertItem(item("arc_challenge.jsonl", "{'question': {'stem': 'Why?', 'choices': [{'text': 'so', 'label': 'A'}, "
        + "{'text': 'no', 'label': 'B'}]}, 'answerKey': 'A'}"), 0, expected, "so", "no");
    assertItem(item("arc_easy.jsonl", "{'query': 'Question: Why?', 'choices': ['so', 'no', 'go'], 'gold': 2}"), 2, expected,
        "so", "no", "go");
    assertEquals("arc_challenge", TaskFile.read(temporary.resolve("arc_challenge.jsonl"), null).kind().id());
  }

  @Test
  void openBookQa() throws IOException {
    String row = "{'id': '7', 'question_stem': 'The sun is', 'choices': {'text': ['hot', 'cold'], 'label': ['A', 'B']}, "
        + "'answerKey': ' A'}";
    assertItem(item("rows.jsonl", row), 0, "The sun is", "hot", "cold");
    assertItem(item("OBQA_test.jsonl", "{'query': 'The sun is', 'choices': ['hot', 'cold'], 'gold': 0}"), 0,
        "The sun is", "hot", "cold");
  }

  @Test
  void boolQ() throws IOException {
    String expected = "It is so.\nQuestion: is it so?\nAnswer:";
    assertItem(item("a.jsonl", "{'passage': 'It is so.', 'question': 'is it so', 'answer': true}"), 1, expected, "no", "yes");
    assertItem(item("b.jsonl", "{'passage': 'It is so.', 'question': 'is it so', 'label': 0, 'idx': 1}"), 0, expected, "no",
        "yes");
    assertItem(item("boolq.jsonl", "{'query': 'Passage: It is so.\\nQuestion: is it so?', 'choices': ['no', 'yes'], 'gold': 1}"),
        1, expected, "no", "yes");
  }

  @Test
  void hellaSwag() throws IOException {
    assertItem(item("rows.jsonl", "{'activity_label': 'Home', "
        + "'ctx_a': '[header] How to sit [title] Find a chair. [step] Look  about. ', 'ctx_b': 'then SIT', "
        + "'endings': ['down. [substeps] Rest.', ' [step] Up.'], 'label': '1'}"), 1,
        "Home: How to sit. Find a chair. Look about. Then sit", "down. Rest.", " Up.");
    assertItem(item("hellaswag_val.jsonl", "{'ind': 1, 'query': 'Home: Sit', 'choices': ['down', ' up'], 'gold': 0}"), 0,
        "Home: Sit", "down", " up");
  }

  @Test
  void winoGrande() throws IOException {
    List<Option> expected = List.of(new Option("Ann saw Bea as Ann", "waved."), new Option("Ann saw Bea as Bea", "waved."));
    TaskItem gap = item("a.jsonl", "{'sentence': 'Ann saw Bea as _ waved.', 'option1': 'Ann', 'option2': 'Bea', 'answer': '2'}");
    assertEquals(expected, gap.options());
    assertEquals(1, gap.gold());
    TaskItem contexts = item("b.jsonl",
        "{'context_options': ['Ann saw Bea as Ann', 'Ann saw Bea as Bea'], 'continuation': 'waved.', 'gold': 0}");
    assertEquals(expected, contexts.options());
    assertEquals(0, contexts.gold());
  }

  @Test
  void lambada() throws IOException {
    assertItem(item("a.jsonl", "{'context': 'He shut the', 'continuation': ' door'}"), 0, "He shut the", "door");
    TaskItem last = item("lambada_test.jsonl", "{'text': 'He shut the\\ndark door'}");
    assertItem(last, 0, "He shut the\ndark", "door");
    assertTrue(last.isCompletion());
  }

  @Test
  void aKindThatWasSaid() throws IOException {
    Path file = file("questions.jsonl", "{'query': 'Why?', 'choices': ['a', 'b'], 'gold': 0}");
    List<Task> tasks = tasks(9, 0, 2, "arc_challenge=" + file + ",openbookqa=" + file);
    assertEquals(List.of("arc_challenge", "openbookqa"), tasks.stream().map(Task::name).toList());
    assertEquals("Question: Why?\nAnswer:", tasks.getFirst().items().getFirst().options().getFirst().context());
  }

  @Test
  void aDirectoryAndSeveralFilesOfOneKind() throws IOException {
    file("b.jsonl", "{'context': 'a', 'continuation': 'b'}");
    file("a.jsonl", "{'context': 'c', 'continuation': 'd'}", "{'context': 'e', 'continuation': 'f'}");
    List<Task> tasks = tasks(1, 0, 2, temporary.toString());
    assertEquals(List.of("lambada:" + temporary.resolve("a.jsonl"), "lambada:" + temporary.resolve("b.jsonl")),
        tasks.stream().map(Task::name).toList());
    assertEquals(1, tasks.getFirst().items().size());
  }

  @Test
  void shotsAreSolvedItemsAndNeverTheItemItself() throws IOException {
    Task task = tasks(99, 3, 7, "src/test/resources/tasks/piqa.jsonl").getFirst();
    Task again = tasks(99, 3, 7, "src/test/resources/tasks/piqa.jsonl").getFirst();
    for (TaskItem item : task.items()) {
      String context = task.context(item, item.options().getFirst());
      String shots = context.substring(0, context.length() - item.options().getFirst().context().length());
      List<String> examples = List.of(shots.split("\n\n"));
      assertEquals(3, examples.size());
      assertTrue(shots.endsWith("\n\n"));
      assertFalse(examples.contains(item.solved()), context);
      assertTrue(task.items().stream().map(TaskItem::solved).toList().containsAll(examples), shots);
      assertEquals(context, again.context(item, item.options().getFirst()));
    }
    assertEquals("Question: dry a wet coat\nAnswer: hang it by the fire", task.items().get(1).solved());
  }

  @Test
  void shotsFromAnotherFile() throws IOException {
    Path other = file("train.jsonl", "{'goal': 'x', 'sol1': 'y', 'sol2': 'z', 'label': 1}");
    List<TaskSelection> items = TaskSelection.parse(List.of("src/test/resources/tasks/piqa.jsonl"));
    Task task = TaskSelection.read(items, 2, 1, TaskSelection.parse(List.of(other.toString())), 2).getFirst();
    for (TaskItem item : task.items()) {
      Option option = item.options().getFirst();
      assertEquals("Question: x\nAnswer: z\n\n" + option.context(), task.context(item, option));
    }
  }
}
