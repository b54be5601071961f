package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.model.Json;

/** The tasks' figures, item by item, against whole forward passes and a scoring of its own. */
class EvaluateTasksTest {

  private static final Path ITEMS = Path.of("src/test/resources/tasks");
  private static final double LOG_LIKELIHOOD = 1e-4;
  private static final double EXACT = 1e-12;

  @TempDir
  private static Path temporary;

  private static Path spiking;

  private static synchronized Path spiking() {
    if (spiking == null) {
      Path out = temporary.resolve("spiking");
      Program run = Program.run("quantize", ModelCopy.ORIGINAL.toString(), out.toString(), "--pipeline", "rtn", "--samples", "2",
          "--sequence", "64", "--quiet");
      assertEquals(0, run.status(), run.err());
      spiking = out;
    }
    return spiking;
  }

  private static Program evaluate(String... args) {
    Program run = Program.run(Stream.concat(Stream.of("evaluate", "--quiet"), Arrays.stream(args)).toArray(String[]::new));
    assertEquals(0, run.status(), run.err());
    return run;
  }

  private static Map<?, ?> json(Program run) throws IOException {
    return Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), "standard output");
  }

  private static List<Map<String, Object>> samples(Path file) throws IOException {
    List<Map<String, Object>> samples = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      samples.add(Json.parseObject(line.getBytes(StandardCharsets.UTF_8), file.toString()));
    }
    return samples;
  }

  private static double number(Object value) {
    return ((Number) value).doubleValue();
  }

  private static List<Map<?, ?>> options(Map<String, Object> sample) {
    return ((List<?>) sample.get("options")).stream().<Map<?, ?>>map(option -> (Map<?, ?>) option).toList();
  }

  /** An item scored again: right by log-likelihood, right by log-likelihood a byte, loss of the first option. */
  private record Again(boolean correct, boolean correctNorm, double loss) {}

  private static Again again(ItemOracle oracle, Map<String, Object> sample) {
    String where = sample.get("task") + " line " + sample.get("line");
    List<Map<?, ?>> options = options(sample);
    double[] sums = new double[options.size()];
    double[] means = new double[options.size()];
    for (int i = 0; i < sums.length; i++) {
      Map<?, ?> option = options.get(i);
      String continuation = (String) option.get("continuation");
      ItemOracle.Found found = oracle.score((String) option.get("context"), continuation);
      sums[i] = number(option.get("log_likelihood"));
      means[i] = sums[i] / continuation.substring(1).getBytes(StandardCharsets.UTF_8).length;
      assertEquals(found.logLikelihood(), sums[i], LOG_LIKELIHOOD, where);
      assertEquals(found.greedy(), option.get("greedy"), where);
      assertEquals(found.truncated(), option.get("truncated"), where);
    }
    boolean completes = options.size() == 1;
    long gold = (Long) sample.get("gold");
    boolean correct = completes ? (Boolean) options.getFirst().get("greedy") : largest(sums) == gold;
    Again again = new Again(correct, largest(means) == gold, -sums[0]);
    assertEquals(again.correct, sample.get("correct"), where);
    assertEquals(completes ? null : (Object) again.correctNorm, sample.get("correct_norm"), where);
    return again;
  }

  private static int largest(double[] values) {
    int largest = 0;
    for (int i = 1; i < values.length; i++) {
      largest = values[i] > values[largest] ? i : largest;
    }
    return largest;
  }

  /** Scores every item of a file of samples again, and the tasks from that, and holds what the program said to it. */
  private static void assertScores(Path model, Map<?, ?> said, List<Map<String, Object>> samples) throws IOException {
    Map<String, List<Again>> tasks = new LinkedHashMap<>();
    try (ItemOracle oracle = new ItemOracle(model)) {
      for (Map<String, Object> sample : samples) {
        tasks.computeIfAbsent((String) sample.get("task"), name -> new ArrayList<>()).add(again(oracle, sample));
      }
    }
    assertEquals(tasks.keySet(), said.keySet());
    tasks.forEach((task, items) -> {
      Map<?, ?> figures = (Map<?, ?>) said.get(task);
      assertEquals(items.size(), number(figures.get("items")), task);
      assertShare(items.stream().filter(Again::correct).count(), items.size(), figures, "accuracy");
      if (task.equals("lambada")) {
        assertNull(figures.get("accuracy_norm"));
        double perplexity = Math.exp(items.stream().mapToDouble(Again::loss).average().orElseThrow());
        assertEquals(perplexity, number(figures.get("perplexity")), EXACT * perplexity);
      } else {
        assertShare(items.stream().filter(Again::correctNorm).count(), items.size(), figures, "accuracy_norm");
      }
    });
  }

  private static void assertShare(long right, int items, Map<?, ?> figures, String metric) {
    double share = (double) right / items;
    assertEquals(share, number(figures.get(metric)), EXACT);
    assertEquals(Math.sqrt(share * (1 - share) / (items - 1)), number(figures.get(metric + "_stderr")), EXACT);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void everyItemScoresAsInAWholeForwardPass(int shots) throws IOException {
    Path file = temporary.resolve("samples" + shots + ".jsonl");
    Program run = evaluate(ModelCopy.ORIGINAL.toString(), "--tasks", ITEMS.toString(), "--shots", String.valueOf(shots), "--json",
        "--samples", file.toString());
    assertScores(ModelCopy.ORIGINAL, (Map<?, ?>) json(run).get("tasks"), samples(file));
  }

  @Test
  void spikingModelsToo() throws IOException {
    Path file = temporary.resolve("spiking.jsonl");
    Program run = evaluate(spiking().toString(), "--tasks", ITEMS.toString(), "--json", "--samples", file.toString());
    assertScores(spiking(), (Map<?, ?>) json(run).get("tasks"), samples(file));
  }

  /** A model that reads few tokens at a time sees the last of them. */
  @Test
  void longContextsAreCutAtTheFrontAndCounted() throws IOException {
    Path model = ModelCopy.in(temporary.resolve("short"))
        .config("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 24").directory();
    Path file = temporary.resolve("short.jsonl");
    Program run = evaluate(model.toString(), "--tasks", ITEMS.toString(), "--json", "--samples", file.toString());
    Map<?, ?> tasks = (Map<?, ?>) json(run).get("tasks");
    assertScores(model, tasks, samples(file));
    Map<?, ?> boolq = (Map<?, ?>) tasks.get("boolq");
    assertTrue(number(boolq.get("truncated")) >= 2, boolq.toString());
    assertTrue(evaluate(model.toString(), "--tasks", ITEMS.toString()).out().contains(boolq.get("truncated") + " of boolq"));
  }

  @Test
  void theLeastLimitIsThatOfAllModels() throws IOException {
    Path model = ModelCopy.in(temporary.resolve("shorter"))
        .config("\"max_position_embeddings\": 512", "\"max_position_embeddings\": 24").directory();
    Map<?, ?> models = (Map<?, ?>) json(evaluate(ModelCopy.ORIGINAL.toString(), model.toString(), "--tasks", ITEMS.toString(),
        "--json", "--text", ModelCopy.ORIGINAL.resolve("evaluation.txt").toString(), "--limit", "3")).get("models");
    Map<?, ?> first = (Map<?, ?>) models.get(ModelCopy.ORIGINAL.toString());
    Map<?, ?> second = (Map<?, ?>) models.get(model.toString());
    assertEquals(((Map<?, ?>) ((Map<?, ?>) first.get("tasks")).get("boolq")).get("truncated"),
        ((Map<?, ?>) ((Map<?, ?>) second.get("tasks")).get("boolq")).get("truncated"));
    Map<?, ?> text = (Map<?, ?>) ((Map<?, ?>) first.get("perplexity")).values().iterator().next();
    assertEquals(24L, text.get("sequence"));
    assertEquals(3L, text.get("windows"));
  }

  @Test
  void modelsSideBySide() throws IOException {
    String text = ModelCopy.ORIGINAL.resolve("evaluation.txt").toString();
    String[] call = {ModelCopy.ORIGINAL.toString(), spiking().toString(), "--text", text, "--sequence", "64", "--tasks",
        ITEMS + "/piqa.jsonl," + ITEMS + "/lambada.jsonl"};
    Map<?, ?> models = (Map<?, ?>) json(evaluate(with(call, "--json"))).get("models");
    Map<?, ?> first = (Map<?, ?>) models.get(ModelCopy.ORIGINAL.toString());
    Map<?, ?> second = (Map<?, ?>) models.get(spiking().toString());
    Map<?, ?> there = (Map<?, ?>) ((Map<?, ?>) first.get("perplexity")).get(text);
    Map<?, ?> here = (Map<?, ?>) ((Map<?, ?>) second.get("perplexity")).get(text);
    assertFalse(there.containsKey("value_change"));
    assertEquals(number(here.get("value")) - number(there.get("value")), number(here.get("value_change")), EXACT);
    Map<?, ?> before = (Map<?, ?>) ((Map<?, ?>) first.get("tasks")).get("piqa");
    Map<?, ?> after = (Map<?, ?>) ((Map<?, ?>) second.get("tasks")).get("piqa");
    assertEquals(number(after.get("accuracy")) - number(before.get("accuracy")), number(after.get("accuracy_change")), EXACT);

    List<String> csv = evaluate(with(call, "--csv")).out().lines().toList();
    assertEquals("model,text,task,metric,value,stderr,change,change_stderr,tokens,windows,sequence,items,shots", csv.getFirst());
    assertEquals(1 + 2 * 5, csv.size());
    String[] cells = csv.get(6).split(",", -1);
    assertEquals(List.of(spiking().toString(), text, "", "perplexity"), List.of(cells).subList(0, 4));
    assertEquals(number(here.get("value")), Double.parseDouble(cells[4]));

    List<String> table = evaluate(call).out().lines().toList();
    assertEquals(1 + 2 * 5, table.size(), table.toString());
    assertTrue(table.get(2).contains(spiking().toString()) && table.get(2).endsWith(" × 64 tokens"), table.get(2));
    assertTrue(table.get(3).startsWith("piqa") && table.get(3).endsWith("5 items"), table.get(3));
  }

  private static String[] with(String[] call, String... more) {
    return Stream.of(call, more).flatMap(Arrays::stream).toArray(String[]::new);
  }

  @Test
  void anEarlierFileOfSamplesIsReplacedAndNothingElse() throws IOException {
    Path file = temporary.resolve("again.jsonl");
    String[] call = {ModelCopy.ORIGINAL.toString(), "--tasks", ITEMS + "/piqa.jsonl", "--limit", "2", "--samples",
        file.toString()};
    evaluate(call);
    evaluate(call);
    assertEquals(2, samples(file).size());
    try (Stream<Path> left = Files.list(temporary)) {
      assertFalse(left.anyMatch(path -> path.getFileName().toString().endsWith(".partial")));
    }
  }

  @ParameterizedTest
  @CsvSource({"stories260k, piqa-valid.jsonl", "stories260k, arc_easy.jsonl", "stories260k, winogrande.jsonl",
      "stories260k, boolq.jsonl", "stories260k, hellaswag_val_1000.jsonl", "stories260k, lambada_openai.jsonl",
      "tinystories-656k, piqa-valid.jsonl", "tinystories-656k, arc_easy.jsonl", "tinystories-656k, winogrande.jsonl",
      "tinystories-656k, hellaswag_val_1000.jsonl"})
  void benchmarksItemByItem(String name, String task) throws IOException {
    String data = System.getProperty("spikellm.data");
    assumeTrue(data != null, "set -Dspikellm.data=DIRECTORY to a directory that holds models/" + name + " and tasks/" + task);
    Path model = Path.of(data, "models", name);
    Path items = Path.of(data, "tasks", task);
    assumeTrue(Files.isDirectory(model) && Files.exists(items), model + " or " + items + " is not there");
    Path file = temporary.resolve(name + task);
    Program run = evaluate(model.toString(), "--tasks", items.toString(), "--limit", "12", "--json", "--samples",
        file.toString());
    List<Map<String, Object>> samples = samples(file);
    assertEquals(12, samples.size());
    assertScores(model, (Map<?, ?>) json(run).get("tasks"), samples);
    List<String> rows = Files.readAllLines(items);
    for (int i = 0; i < samples.size(); i++) {
      Map<String, Object> row = Json.parseObject(rows.get(i).getBytes(StandardCharsets.UTF_8), task);
      assertEquals(texts(row), options(samples.get(i)).stream()
          .map(option -> option.get("context") + "|" + option.get("continuation")).toList());
      if (row.containsKey("gold")) {
        assertEquals(row.get("gold"), samples.get(i).get("gold"));
      }
    }
  }

  /** What the harness would give the model, of rows as they are in those files: context and continuation of each option. */
  private static List<String> texts(Map<String, Object> row) {
    if (row.containsKey("goal")) {
      return Stream.of("sol1", "sol2").map(way -> "Question: " + row.get("goal") + "\nAnswer:| " + row.get(way)).toList();
    }
    if (row.get("context_options") instanceof List<?> contexts) {
      return contexts.stream().map(context -> context + "| " + row.get("continuation")).toList();
    }
    if (row.get("context") instanceof String context) {
      return List.of(context + "| " + row.get("continuation"));
    }
    String query = ((String) row.get("query")).replaceFirst("^Passage: ", "");
    String context = query.contains("Question: ") ? query + "\nAnswer:" : query;
    return ((List<?>) row.get("choices")).stream().map(choice -> context + "| " + choice).toList();
  }
}
