package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of items that are none: one line with the file, the line's number, what was expected and what was found. */
class BadTasksTest {

  private static final String PIQA = "src/test/resources/tasks/piqa.jsonl";
  private static final String RIGHT = "{'goal': 'a', 'sol1': 'b', 'sol2': 'c', 'label': 0}";
  private static final String CHOICES = "{'text': ['b', 'c'], 'label': ['A', 'B']}";

  @TempDir
  private Path temporary;

  private static String refused(int status, String... args) {
    Program run = Program.run(Stream.concat(Stream.of("evaluate", "--quiet"), Arrays.stream(args)).toArray(String[]::new));
    assertEquals(status, run.status(), run.err());
    assertEquals(status, run.complaints().size(), "one line, and a second one after a wrong call: " + run.err());
    assertTrue(run.err().startsWith("spikellm: "), run.err());
    assertFalse(run.err().contains("\tat ") || run.err().contains("Exception") || run.err().contains("unexpected"), run.err());
    assertEquals("", run.out());
    return run.complaints().getFirst();
  }

  /** Single quotes stand for double ones, | for the end of a line, RIGHT for a line that is. */
  @ParameterizedTest
  @CsvSource(quoteCharacter = '`', delimiter = '~', textBlock = """
      x.jsonl        ~ RIGHT|{'goal': 'a'                                             ~ line 2: not JSON
      x.jsonl        ~ RIGHT||7                                                       ~ line 3: expected a JSON object
      x.jsonl        ~ RIGHT|['a']                                                    ~ expected a JSON object, found a list
      x.jsonl        ~ RIGHT|{'goal': 'a', 'sol1': 'b'}                               ~ line 2: expected text in 'sol2'
      x.jsonl        ~ RIGHT|{'goal': 'a', 'sol1': 5}                                 ~ line 2: expected text in 'sol1', found 5
      x.jsonl        ~ {'goal': 'a', 'sol1': 'b', 'sol2': 'c', 'label': 2}            ~ expected 'label' from 0 to 1, found 2
      x.jsonl        ~ {'goal': 'a', 'sol1': 'b', 'sol2': 'c', 'label': 'b'}          ~ expected 'label' from 0 to 1, found "b"
      x.jsonl        ~ {'goal': 'a', 'sol1': 'b', 'sol2': 'c', 'label': null}         ~ from 0 to 1 here or in x-labels.lst, found
      x.jsonl        ~ {'goal': 'a', 'sol1': 'b', 'sol2': 'c'}                        ~ from 0 to 1 here or in x-labels.lst, found
      piqa.jsonl     ~ {'query': 'a', 'choices': ['b'], 'gold': 0}                    ~ expected a list of two texts or more
      piqa.jsonl     ~ {'query': 'a', 'choices': ['b', 1], 'gold': 0}                 ~ expected texts in 'choices', found 1
      piqa.jsonl     ~ {'query': 'a', 'choices': ['b', 'c'], 'gold': -1}              ~ expected 'gold' from 0 to 1, found -1
      boolq.jsonl    ~ {'query': 'a', 'choices': ['b', 'c'], 'gold': 0}               ~ expected 'Passage: …'
      x.jsonl        ~ {'passage': 'a', 'question': 'b', 'answer': 'so'}              ~ expected 'answer' from 0 to 1, found "so"
      arc_easy.jsonl ~ {'question': 'a', 'choices': CHOICES, 'answerKey': 'C'}        ~ one of A, B, found "C"
      arc_easy.jsonl ~ {'question': 'a', 'choices': [{'text': 'b'}], 'answerKey': 'A'} ~ line 1: expected a 'text' and a 'label'
      arc_easy.jsonl ~ {'question': {'stem': 1}, 'answerKey': 'A'}                    ~ expected text in 'question.stem', found 1
      x.jsonl        ~ {'sentence': 'a', 'option1': 'b', 'option2': 'c', 'answer': 1} ~ line 1: expected a '_' in 'sentence'
      x.jsonl        ~ {'sentence': '_', 'option1': 'b', 'option2': 'c', 'answer': 0} ~ expected 'answer' from 1 to 2, found 0
      lambada.jsonl  ~ {'text': 'word'}                                               ~ line 1: expected two words or more
      x.jsonl        ~ {'text': 'two words'}                                          ~ this is, found fields text; say it as
      x.jsonl        ~ {'query': 'a', 'choices': ['b', 'c'], 'gold': 0}               ~ with one of piqa, arc_easy, arc_challenge,
      x.jsonl        ~ {'prompt': 'a'}                                                ~ found fields prompt; say it as piqa=
      x.jsonl        ~ |                                                              ~ expected JSON lines, one object
      """)
  void lines(String name, String rows, String expected) throws IOException {
    String text = rows.replace("RIGHT", RIGHT).replace("CHOICES", CHOICES).replace('\'', '"').replace('|', '\n');
    Path file = Files.writeString(temporary.resolve(name), text + "\n");
    String line = refused(1, ModelCopy.ORIGINAL.toString(), "--tasks", file.toString());
    assertTrue(line.contains(name) && line.contains(expected), "no '" + expected + "' in: " + line);
  }

  @Test
  void files() throws IOException {
    String model = ModelCopy.ORIGINAL.toString();
    assertTrue(refused(1, model, "--tasks", "/no/x.jsonl").contains("/no/x.jsonl: expected a file of JSON lines, found nothing"));
    assertTrue(refused(1, model, "--tasks", temporary.toString()).contains("expected a directory with *.jsonl files"));
    assertTrue(refused(1, model, "--tasks", "arc_easy=" + PIQA).contains("line 1: expected text in 'question', found nothing"));
    Path binary = Files.write(temporary.resolve("b.jsonl"), new byte[] {'{', '}', '\n', (byte) 0xff});
    assertTrue(refused(1, model, "--tasks", binary.toString()).contains("b.jsonl: expected UTF-8 text"));
    String unlabelled = RIGHT.replace(", 'label': 0", "").replace('\'', '"') + "\n";
    Path items = Files.writeString(temporary.resolve("y.jsonl"), unlabelled.repeat(3));
    Files.writeString(temporary.resolve("y-labels.lst"), "0\n1\n");
    assertTrue(refused(1, model, "--tasks", items.toString())
        .contains("y-labels.lst: expected 3 labels, one for each item of y.jsonl, found 2"));
    Files.writeString(temporary.resolve("y-labels.lst"), "0\n1\n2\n");
    assertTrue(refused(1, model, "--tasks", items.toString())
        .contains("y.jsonl: line 3: expected 'label' from 0 to 1 in y-labels.lst, found \"2\""));
    assertTrue(refused(1, model, "--tasks", PIQA, "--shots", "5").contains("expected 6 items or more for --shots 5, found 5"));
    Path other = Files.writeString(temporary.resolve("z.jsonl"), RIGHT.replace('\'', '"'));
    assertTrue(refused(1, model, "--tasks", PIQA, "--shots", "1", "--shots-from", PIQA, other.toString())
        .contains("z.jsonl: expected one file of examples a task, found a second one of piqa"));
  }

  @Test
  void placesForSamples() throws IOException {
    Path mine = Files.writeString(temporary.resolve("mine.txt"), "precious");
    String[] call = {ModelCopy.ORIGINAL.toString(), "--tasks", PIQA, "--samples"};
    for (Path place : List.of(mine, temporary, temporary.resolve("no/such/place"), Path.of(PIQA))) {
      String line = refused(1, Stream.concat(Arrays.stream(call), Stream.of(place.toString())).toArray(String[]::new));
      assertTrue(line.contains(place + ": "), line);
    }
    assertEquals("precious", Files.readString(mine));
    // A run that fails leaves none behind.
    Path model = ModelCopy.in(temporary.resolve("model")).without("tokenizer.json").directory();
    refused(1, model.toString(), "--tasks", PIQA, "--samples", temporary.resolve("samples.jsonl").toString());
    try (Stream<Path> left = Files.list(temporary)) {
      assertFalse(left.anyMatch(path -> path.getFileName().toString().contains("samples")));
    }
  }

  @ParameterizedTest
  @CsvSource(quoteCharacter = '`', delimiter = '~', textBlock = """
      m                            ~ expected --text FILE or --tasks FILE, found neither
      m --tasks mmlu=x             ~ --tasks: there is no task 'mmlu'; known ones: piqa, arc_easy
      m --tasks x,                 ~ --tasks: expected a file, found nothing
      m --tasks x --shots -1       ~ --shots: expected 0 or more
      m --tasks x --shots-from x   ~ --shots-from: expected --shots N with it
      m --text x --samples y       ~ --samples: expected --tasks with it
      m --tasks x --limit 0        ~ --limit: expected 1 or more
      m --tasks x --json --csv     ~ expected --json or --csv, found both
      """)
  void calls(String arguments, String expected) {
    String line = refused(2, arguments.split(" "));
    assertTrue(line.contains(expected), line);
  }
}
