package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ComputeBackend;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Json;

class BenchmarkTest {

  private static final Benchmark QUICK = new Benchmark(new Benchmark.Settings(2, 5, 2, 2, 2, 0), Progress.NONE);
  private static final List<BenchFormat> FORMATS = Arrays.asList(BenchFormat.values());

  private static List<ComputeBackend> reference() throws IOException {
    return List.of(Golden.registry().backend("reference"));
  }

  private static Map<String, Object> json(BenchResult result) throws IOException {
    return Json.parseObject(Json.write(result.json()).getBytes(), "bench --json");
  }

  private static double number(Map<String, Object> json, String... path) {
    Object value = json;
    for (String name : path) {
      value = ((Map<?, ?>) value).get(name);
    }
    return ((Number) value).doubleValue();
  }

  @Test
  void everyFormatOfAShapeIsMeasuredAndItsJsonHasTheFieldsOfTheContract() throws IOException {
    List<BenchResult> results = QUICK.shape(ShapeModelTest.SMALL, 2, 16, FORMATS, reference(), ShapeModelTest.neuron());
    assertEquals(List.of("float", "w4a4", "w8a8", "ternary", "ternary-a8", "ternary-t1"), results.stream().map(BenchResult::format).toList());
    for (BenchResult result : results) {
      Map<String, Object> json = json(result);
      assertEquals("reference", json.get("backend"));
      assertEquals("plain Java", json.get("device"));
      assertEquals(2, number(json, "threads"));
      assertEquals("small", json.get("shape"));
      assertEquals(2, number(json, "blocks"));
      assertTrue(json.containsKey("rss_bytes"));
      assertTrue(number(json, "load_seconds") >= 0);
      assertTrue(number(json, "bits_per_weight") > 2 && number(json, "bits_per_weight") <= 16, json.toString());
      for (String phase : List.of("prompt", "generate")) {
        double rate = number(json, phase, "tokens_per_second");
        assertTrue(rate > 0 && rate >= number(json, phase, "min") && rate <= number(json, phase, "max"), json.toString());
      }
      assertTrue(number(json, "limits", "read_bytes_per_second") > 0);
      assertTrue(number(json, "limits", "flops_per_second") > 0);
      assertEquals(3, number(json, "extrapolated", "blocks"));
    }
  }

  @Test
  void aWholeShapeIsNotExtrapolated() throws IOException {
    BenchResult result = QUICK.shape(ShapeModelTest.SMALL, 3, 8, List.of(BenchFormat.W4A4), reference(), ShapeModelTest.neuron())
        .getFirst();
    assertFalse(result.json().containsKey("extrapolated"));
    assertEquals(result.prompt().rate(), result.prompt().wholeRate());
  }

  @Test
  void aCheckpointIsMeasuredOnItsOwnFormat() throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(Golden.TALES, Golden.neurons())) {
      Map<String, Object> json = json(QUICK.model(checkpoint, 0.5, reference()).getFirst());
      assertEquals("float", json.get("format"));
      assertEquals(6, number(json, "blocks"));
      assertTrue(number(json, "load_seconds") >= 0.5, "opening is part of loading");
      assertFalse(json.containsKey("extrapolated"));
    }
  }

  @Test
  void extrapolationMultipliesTheBlocksTimeAndNotThatOfHeadAndEmbeddings() {
    BenchSubject.Times measured = new BenchSubject.Times(5, 3);
    BenchSubject.Times ends = new BenchSubject.Times(1, 2);
    assertEquals(new BenchSubject.Times(17, 6), measured.stretched(ends, 4));
  }

  @Test
  void theSpreadIsOfTheExtremesAndTheMedianOfTheMiddle() {
    assertEquals(new Series(3, 1, 9), Series.of(List.of(9.0, 1.0, 3.0)));
    assertEquals(new Series(2, 1, 9), Series.of(List.of(9.0, 1.0, 3.0, 1.0)));
  }

  @Test
  void workOfAPromptAndOfDecodingIsCounted() {
    // Q, O [84, 84], K, V [28, 84], gate, up [100, 84], down [84, 100].
    assertEquals(2 * 84 * 84 + 2 * 28 * 84 + 3 * 84 * 100, ShapeModelTest.SMALL.block().weights());
    TokenWork work = new TokenWork(ShapeModelTest.SMALL.block(), 2, 4200, 900, 100, 10);
    // Three tokens see 1, 2 and 3 positions; each takes 84 products for its scores and as many for its output.
    assertEquals(2 * (2 * (3 * ShapeModelTest.SMALL.block().weights() + 2 * 84 * 6) + 4200), work.promptFlops(3));
    assertEquals(8 * 900.0 / (2 * ShapeModelTest.SMALL.block().weights()), work.bitsAWeight());
    // Tokens at positions 5 and 6 see 6 and 7 positions.
    assertEquals(2 * 1000 + 10 * (6 + 7), work.decodeBytes(5, 2));
  }

  @Test
  void whatDoesNotFitIsRefusedWithWhatWould() throws IOException {
    ShapeModel large = ShapeModel.named("llama-2-70b").orElseThrow();
    MemoryPlan plan = MemoryPlan.of(large, List.of(BenchFormat.W4A4), 1, 2, 576);
    OptionalLong room = OptionalLong.of(plan.total(7));
    IOException refused = assertThrows(IOException.class,
        () -> QUICK.groups(large, 80, List.of(BenchFormat.W4A4), reference(), OptionalLong.of(1L << 33)));
    assertTrue(refused.getMessage().matches(
        "--shape llama-2-70b: 80 blocks of w4a4 on reference need \\d\\d\\.\\d GB of memory, 8\\.6 GB are available; "
            + "--shape llama-2-70b:\\d+ would fit"), refused.getMessage());
    plan.check(large, 7, "", room);
    IOException one = assertThrows(IOException.class, () -> plan.check(large, 8, "w4a4", room));
    assertTrue(one.getMessage().endsWith("; --shape llama-2-70b:7 would fit"), one.getMessage());
    IOException none = assertThrows(IOException.class, () -> plan.check(large, 8, "w4a4", OptionalLong.of(1L << 20)));
    assertTrue(none.getMessage().endsWith("not even one block would fit"), none.getMessage());
  }

  @Test
  void formatsThatDoNotFitTogetherAreMeasuredOneAfterAnother() throws IOException {
    ShapeModel model = ShapeModel.named("llama-2-7b").orElseThrow();
    long largest = MemoryPlan.of(model, List.of(BenchFormat.FLOAT), 1, 2, 7).total(32);
    assertEquals(FORMATS.stream().map(List::of).toList(), QUICK.groups(model, 32, FORMATS, reference(), OptionalLong.of(largest)));
    assertEquals(List.of(FORMATS), QUICK.groups(model, 32, FORMATS, reference(), OptionalLong.of(4 * largest)));
    assertEquals(List.of(FORMATS), QUICK.groups(model, 32, FORMATS, reference(), OptionalLong.empty()));
  }
}
