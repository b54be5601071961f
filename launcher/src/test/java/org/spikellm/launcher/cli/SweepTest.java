package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.model.Json;

/** {@code sweep}: from a file to a table. */
class SweepTest {

  private static final String SETTINGS = "\"samples\": 2, \"calibration_sequence\": 32, \"sequence\": 64, \"limit\": 2, "
      + "\"options\": {\"omniquant.epochs\": 1}";

  @TempDir
  private Path temporary;

  private Path file(String content) throws IOException {
    return Files.writeString(temporary.resolve("sweep.json"), content);
  }

  private Path grid(String grid) throws IOException {
    return file("{" + SETTINGS + ", \"grid\": {" + grid + "}}");
  }

  private static List<Map<?, ?>> points(Program run) throws IOException {
    assertEquals(0, run.status(), run.err());
    List<?> points = (List<?>) Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), "sweep").get("points");
    return points.stream().<Map<?, ?>>map(point -> (Map<?, ?>) point).toList();
  }

  /** What is shared between points changes nothing: the models are those of {@code quantize}, byte by byte. */
  @Test
  void aPointIsWhatQuantizeAndEvaluateMake() throws IOException {
    Path out = temporary.resolve("out");
    List<Map<?, ?>> points = points(Program.run("sweep", grid("\"pipeline\": [\"omniquant\"], \"salient\": [0.1, 0.2]")
        .toString(), out.toString(),
        "--keep", "--quiet", "--json"));
    assertEquals(List.of("float", "omniquant-gif-gradient-w4a4-t2-s0.1-g0", "omniquant-gif-gradient-w4a4-t2-s0.2-g0"),
        points.stream().map(point -> point.get("name")).toList());
    Path alone = temporary.resolve("alone");
    assertEquals(0, Program.run("quantize", ModelCopy.ORIGINAL.toString(), alone.toString(), "--salient", "0.2", "--samples",
        "2", "--sequence",
        "32", "--epochs", "1", "--quiet").status());
    Path second = out.resolve("models").resolve(points.get(2).get("name").toString());
    try (Stream<Path> files = Files.list(alone)) {
      for (Path file : files.filter(name -> name.toString().endsWith(".safetensors")).toList()) {
        assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(second.resolve(file.getFileName())), file.toString());
      }
    }
    String text = ModelCopy.ORIGINAL.resolve("evaluation.txt").toString();
    Program evaluated = Program.run("evaluate", alone.toString(), "--text", text, "--sequence", "64", "--limit", "2", "--quiet",
        "--json");
    Map<?, ?> perplexity = (Map<?, ?>) Json.parseObject(evaluated.out().getBytes(StandardCharsets.UTF_8), "evaluate")
        .get("perplexity");
    assertEquals(((Map<?, ?>) perplexity.values().iterator().next()).get("value"), points.get(2).get("perplexity"));
    Program cost = Program.run("cost", alone.toString(), "--sequence", "64", "--limit", "2", "--quiet", "--json");
    Map<String, Object> counted = Json.parseObject(cost.out().getBytes(StandardCharsets.UTF_8), "cost");
    assertEquals((Long) counted.get("spikes") / 128.0, (Double) points.get(2).get("spikes_per_token"), 1e-9);
    assertEquals((Double) ((Map<?, ?>) counted.get("energy_joules")).get("this_model") / 128, (Double) points.get(2)
        .get("joules_per_token"), 1e-15);
  }

  @Test
  void itGoesOnWhereItStoppedAndTakesMorePoints() throws IOException {
    Path out = temporary.resolve("out");
    String few = "\"pipeline\": [\"rtn\"], \"neuron\": [\"gif\", \"ternary-gif\"], \"steps\": [1, 2]";
    Program first = Program.run("sweep", grid(few).toString(), out.toString(), "--quiet", "--csv");
    assertEquals(0, first.status(), first.err());
    assertEquals(1 + 1 + 4, first.out().lines().count(), "a heading, the source, four points");
    assertEquals(first.out(), Files.readString(out.resolve("table.csv")));
    assertFalse(Files.exists(out.resolve("models")), "models are dropped");
    // A point that is there is not measured again: its figure is the file's, whatever it says. One that is not, is.
    Path known = out.resolve("points/rtn-gif-gradient-w4a4-t2-s0.1-g0.json");
    Files.writeString(known, Files.readString(known).replaceFirst("\"perplexity\" : [0-9.]+", "\"perplexity\" : 12345.5"));
    Path gone = out.resolve("points/rtn-ternary-gif-gradient-w4a4-t2-s0.1-g0.json");
    String measured = Files.readString(gone).split(",")[0];
    Files.delete(gone);
    List<Map<?, ?>> points = points(Program.run("sweep", grid(few + ", \"salient\": [0.1, 0.3]").toString(), out.toString(),
        "--quiet", "--json"));
    assertEquals(1 + 8, points.size());
    assertEquals(12345.5, points.stream().filter(point -> point.get("name").equals("rtn-gif-gradient-w4a4-t2-s0.1-g0"))
        .findFirst().orElseThrow()
        .get("perplexity"));
    assertEquals(measured, Files.readString(gone).split(",")[0]);
    assertEquals(points.get(1).get("perplexity"), points.get(2).get("perplexity"), "with one step no channel is salient");
    assertTrue(Files.readString(out.resolve("report.html")).contains("8 quantizations"));
  }

  private void refused(int status, Path file, String... parts) {
    Path out = temporary.resolve("refused");
    Program run = Program.run("sweep", file.toString(), out.toString(), "--quiet");
    assertEquals(status, run.status(), run.err());
    for (String part : parts) {
      assertTrue(run.err().contains(part), part + " in " + run.err());
    }
    assertFalse(run.err().contains("Exception"), run.err());
    assertFalse(Files.exists(out.resolve("points/float.json")), "work was begun");
  }

  @Test
  void whatCannotBeIsRefusedBeforeTheWork() throws IOException {
    refused(1, temporary.resolve("gone.json"), "gone.json", "not found");
    refused(1, file("{}"), "grid", "expected an object");
    refused(1, file("{\"gird\": {}}"), "unknown key 'gird'", "grid");
    refused(1, grid("\"stepz\": [1]"), "unknown key 'stepz'", "steps");
    refused(1, grid("\"steps\": 2"), "grid.steps", "a list");
    refused(1, grid("\"steps\": []"), "grid.steps", "a list");
    refused(1, grid("\"steps\": [1.5]"), "grid.steps", "whole number", "1.5");
    refused(1, grid("\"weight_bits\": [4, 9]"), "weight bits", "9");
    refused(1, grid("\"salient\": [\"few\"]"), "grid.salient", "few");
    refused(2, grid("\"pipeline\": [\"rtn\", \"awq\"]"), "no pipeline 'awq'", "rtn");
    refused(2, grid("\"neuron\": [\"izhikevich\"]"), "no neuron");
    refused(1, grid("\"pipeline\": [\"pb-llm\"]"), "point pb-llm-gif-gradient-w4a4", "--weight-bits 8");
    refused(1, file("{\"model\": \"nowhere\", \"grid\": {}}"), "nowhere", "directory");
    refused(1, file("{\"text\": \"gone.txt\", \"grid\": {}}"), "gone.txt");
    refused(1, file("{\"samples\": 0, \"grid\": {}}"), "samples", "0");
    refused(2, file("{\"options\": {\"omniquant.epoch\": 1}, \"grid\": {}}"), "no option 'epoch'");
  }

  @Test
  void anotherSweepsPlaceIsLeftAlone() throws IOException {
    Path out = temporary.resolve("out");
    assertEquals(0, Program.run("sweep", grid("\"pipeline\": [\"rtn\"]").toString(), out.toString(), "--quiet").status());
    Path other = file("{\"samples\": 3, \"calibration_sequence\": 32, \"sequence\": 64, \"limit\": 2, \"options\": "
        + "{\"omniquant.epochs\": 1}, "
        + "\"grid\": {\"pipeline\": [\"rtn\"]}}");
    Program run = Program.run("sweep", other.toString(), out.toString(), "--quiet");
    assertEquals(1, run.status());
    assertTrue(run.err().contains("samples 2, found 3"), run.err());
    Program option = Program.run("sweep", other.toString(), temporary.resolve("new").toString(), "--option",
        "omniquant.epochs=1");
    assertEquals(2, option.status());
    assertTrue(option.err().contains("--option") && option.err().contains("FILE"), option.err());
    Path taken = Files.createDirectory(temporary.resolve("taken"));
    Files.writeString(taken.resolve("precious"), "keep");
    Program full = Program.run("sweep", other.toString(), taken.toString(), "--quiet");
    assertEquals(1, full.status());
    assertTrue(full.err().contains("expected a new directory"), full.err());
  }
}
