package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.spikellm.api.Projection;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.Cost;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.SpikeRaster;
import org.spikellm.model.Json;
import org.spikellm.model.SpikeMode;

/** {@code cost} and {@code evaluate} with pages and tables of prices. */
class MeasureReportTest {

  private static final String MODEL = ModelCopy.ORIGINAL.toString();
  private static final String TEXT = ModelCopy.ORIGINAL.resolve("evaluation.txt").toString();

  @TempDir
  private static Path temporary;

  private static String packed;

  @BeforeAll
  static void quantize() {
    packed = temporary.resolve("packed").toString();
    Program run = Program.run("quantize", MODEL, packed, "--pipeline", "rtn", "--samples", "1", "--sequence", "32", "--quiet");
    assertEquals(0, run.status(), run.err());
  }

  /** The raster, step by step, has the spikes that are counted when all steps are taken at once. */
  @Test
  void aRasterHasTheSpikesThatAreCounted() throws IOException {
    Registry registry = new Registry(List.of(), Map.of());
    String prompt = "Once upon a time there was an old king who had three sons.";
    SpikeRaster.Place place = SpikeRaster.Place.parse("3.mlp.down_proj");
    SpikeRaster raster = SpikeRaster.of(Path.of(packed), registry, "auto", 2, prompt, 100, place);
    try (LoadedModel model = LoadedModel.open(Path.of(packed), registry, "auto", 2, SpikeMode.COLLAPSED)) {
      int[] ids = model.tokenizer().encode(prompt, model.tokenizer().addsBos());
      Cost cost = new Cost(model.checkpoint());
      model.decoder().observe(cost::block);
      model.decoder().forward(ids, model.decoder().newCache(ids.length), (first, hidden) -> { });
      assertEquals(ids.length, raster.tokens().size());
      assertEquals(ids.length, cost.tokens());
      double[] rates = cost.channelRates(3, Projection.DOWN);
      long all = 0;
      for (int channel = 0; channel < rates.length; channel++) {
        long fired = 0;
        for (short[][] token : raster.levels()) {
          for (short[] step : token) {
            fired += step[channel];
          }
        }
        all += fired;
        double possible = 15.0 * raster.stepsOf()[raster.classOf()[channel]] * ids.length;
        assertEquals(fired / possible, rates[channel], 1e-12, "channel " + channel);
      }
      assertEquals(all, cost.layers().get(3).get(Projection.DOWN).spikes());
    }
  }

  /** The energy of the page is what cost counts on the same windows. */
  @Test
  void thePageOfEvaluateHasTheFiguresOfEvaluateAndCost() throws IOException {
    Path page = temporary.resolve("models.html");
    Program run = Program.run("evaluate", MODEL, packed, "--text", TEXT, "--sequence", "32", "--limit", "2", "--quiet", "--json",
        "--report", page.toString());
    assertEquals(0, run.status(), run.err());
    Map<?, ?> models = (Map<?, ?>) Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), "evaluate").get("models");
    String text = Files.readString(page);
    for (Object model : List.of(MODEL, packed)) {
      Map<?, ?> perplexity = (Map<?, ?>) ((Map<?, ?>) ((Map<?, ?>) models.get(model)).get("perplexity")).get(TEXT);
      assertTrue(text.contains(String.format(Locale.ROOT, "%.4f", (Double) perplexity.get("value"))), perplexity.toString());
      Program cost = Program.run("cost", model.toString(), "--text", TEXT, "--sequence", "32", "--limit", "2", "--quiet",
          "--json");
      Map<String, Object> counted = Json.parseObject(cost.out().getBytes(StandardCharsets.UTF_8), "cost");
      double joules = (Double) ((Map<?, ?>) counted.get("energy_joules")).get("this_model") / 64;
      assertTrue(text.contains("<td class=\"figure\">" + String.format(Locale.ROOT, "%.3g", 1e6 * joules) + "</td>"), "µJ of "
          + model);
    }
    assertEquals(2, text.split("\"best\":true", -1).length - 1, "neither beats the other in both");
  }

  @Test
  void memoryHasAPriceWhereTheTableHasOne() throws IOException {
    StringBuilder prices = new StringBuilder();
    for (String key : List.of("fp32_mac", "fp32_add", "fp16_mac", "int8_mac", "int8_add", "memory_byte")) {
      prices.append(prices.isEmpty() ? "" : ", ").append('"').append(key).append("\": {\"value\": 2, \"source\": \"made up\"}");
    }
    Path table = Files.writeString(temporary.resolve("prices.json"), "{\"name\": \"mine\", \"picojoules\": {" + prices + "}}");
    Program run = Program.run("cost", packed, "--text", TEXT, "--sequence", "16", "--limit", "1", "--quiet", "--json",
        "--energy-table", table.toString());
    assertEquals(0, run.status(), run.err());
    Map<String, Object> json = Json.parseObject(run.out().getBytes(StandardCharsets.UTF_8), "cost");
    Map<?, ?> energy = (Map<?, ?>) json.get("energy_joules");
    Map<?, ?> memory = (Map<?, ?>) energy.get("memory");
    assertEquals("mine", energy.get("table"));
    assertEquals(2e-12 * (Long) json.get("bytes"), (Double) memory.get("this_model"), 1e-18);
    assertEquals(2e-12 * (Long) json.get("float_bytes"), (Double) memory.get("float"), 1e-18);
    assertEquals(2e-12 * ((Long) json.get("accumulates") + (Long) json.get("scalings")), (Double) energy.get("this_model"),
        1e-15);
    Map<?, ?> rates = (Map<?, ?>) json.get("channel_rates");
    long channels = rates.entrySet().stream().filter(rate -> !rate.getKey().equals("silent"))
        .mapToLong(rate -> (Long) rate.getValue())
        .sum();
    assertEquals(6 * (6 * 192 + 512), channels, "each layer's input channels");
    Program words = Program.run("cost", packed, "--text", TEXT, "--sequence", "16", "--limit", "1", "--quiet", "--energy-table",
        table.toString());
    assertTrue(words.out().contains("energy of memory*") && words.out().contains("'mine'"), words.out());
  }

  private static void refused(int status, List<String> parts, String... command) {
    Program run = Program.run(command);
    assertEquals(status, run.status(), run.err());
    for (String part : parts) {
      assertTrue(run.err().contains(part), part + " in " + run.err());
    }
    assertFalse(run.err().contains("Exception"), run.err());
    assertEquals("", run.out());
  }

  @Test
  void whatCannotBeShownIsRefusedBeforeTheWork() throws IOException {
    String page = temporary.resolve("page.html").toString();
    refused(2, List.of("--raster", "0.mlp.down_proj", "'down'"), "cost", packed, "--report", page, "--raster", "down");
    refused(2, List.of("--prompt", "--report"), "cost", packed, "--prompt", "x");
    refused(2, List.of("--raster", "--report"), "evaluate", packed, "--text", TEXT, "--raster", "0.mlp.up_proj");
    refused(1, List.of("6.mlp.up_proj", "blocks 0 to 5"), "evaluate", MODEL, packed, "--text", TEXT, "--report", page,
        "--raster", "6.mlp.up_proj");
    refused(1, List.of("gone/page.html", "directory"), "cost", packed, "--report", temporary.resolve("gone/page.html")
        .toString());
    refused(1, List.of("gone.json", "not found"), "cost", packed, "--energy-table", temporary.resolve("gone.json").toString());
    Path notes = Files.writeString(temporary.resolve("notes.html"), "keep");
    refused(1, List.of("notes.html", "not an HTML page"), "evaluate", packed, "--text", TEXT, "--report", notes.toString());
    assertEquals("keep", Files.readString(notes));
    assertFalse(Files.exists(Path.of(page)));
  }

  @Test
  void aFloatModelsPageSaysThatNothingSpikes() throws IOException {
    Path page = temporary.resolve("float.html");
    Program run = Program.run("cost", MODEL, "--text", TEXT, "--sequence", "16", "--limit", "1", "--quiet", "--report",
        page.toString());
    assertEquals(0, run.status(), run.err());
    String text = Files.readString(page);
    assertTrue(text.contains("there are no spikes to show"), "what it says");
    assertFalse(text.contains("Where it fires"), "no map");
  }
}
