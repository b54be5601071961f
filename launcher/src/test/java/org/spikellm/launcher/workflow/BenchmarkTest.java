package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Availability;
import org.spikellm.api.ComputeBackend;
import org.spikellm.api.DeviceLimits;
import org.spikellm.api.Session;
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
    assertEquals(FORMATS.stream().map(BenchFormat::toString).toList(), results.stream().map(BenchResult::format).toList());
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

  /**
   * A backend, as if it ran on a device of its own.
   *
   * @param asked counts how often it is measured
   */
  private static ComputeBackend onDevice(ComputeBackend backend, DeviceLimits limits, AtomicInteger asked) {
    return new ComputeBackend() {
      @Override
      public String id() {
        return "device";
      }

      @Override
      public Availability probe() {
        return new Availability.Available("a device", 1);
      }

      @Override
      public Session open(int threads) {
        Session session = backend.open(threads);
        ClassLoader loader = Session.class.getClassLoader();
        return (Session) Proxy.newProxyInstance(loader, new Class<?>[] {Session.class},
            (proxy, method, args) -> switch (method.getName()) {
              case "limits" -> {
                asked.incrementAndGet();
                yield Optional.of(limits);
              }
              case "equals" -> proxy == args[0];
              default -> method.invoke(session, args);
            });
      }
    };
  }

  @Test
  void aBackendIsHeldAgainstItsOwnDevice() throws IOException {
    ComputeBackend reference = reference().getFirst();
    AtomicInteger asked = new AtomicInteger();
    DeviceLimits limits = new DeviceLimits(OptionalDouble.of(2e15), 3e15, 5e15, OptionalDouble.of(7e15), "guessed");
    List<BenchResult> results = QUICK.shape(ShapeModelTest.SMALL, 2, 16, FORMATS,
        List.of(reference, onDevice(reference, limits, asked)), ShapeModelTest.neuron());
    assertEquals(2 * FORMATS.size(), results.size());
    assertEquals(1 + 2, asked.get(), "once to begin with, then once a round");
    for (BenchResult result : results) {
      Map<String, Object> json = json(result);
      String format = result.format();
      boolean device = result.backend().equals("device");
      boolean integers = List.of("w4a4", "w8a8", "ternary-a8", "ternary-t1", "ternary-t1-a4").contains(format);
      String key = device && integers ? "byte_ops_per_second" : "flops_per_second";
      assertEquals(key, ((Map<?, ?>) json.get("prompt")).get("limit"), json.toString());
      assertEquals("read_bytes_per_second", ((Map<?, ?>) json.get("generate")).get("limit"));
      assertEquals(device, number(json, "limits", "read_bytes_per_second") == 3e15, json.toString());
      assertEquals(device, number(json, "limits", "flops_per_second_max") == 5e15, json.toString());
      assertEquals(device, ((Map<?, ?>) json.get("limits")).containsKey("copy_bytes_per_second"), json.toString());
      assertEquals(number(json, "prompt", "flops_per_second") / number(json, "limits", key),
          number(json, "prompt", "share_of_limit"), 1e-9 * number(json, "prompt", "share_of_limit"));
      assertEquals(number(json, "generate", "read_bytes_per_second") / number(json, "limits", "read_bytes_per_second"),
          number(json, "generate", "share_of_limit"), 1e-9 * number(json, "generate", "share_of_limit"));
    }
  }

  @Test
  void integersAreHeldAgainstFloatsWhereADeviceHasNoProductsOfBytes() throws IOException {
    DeviceLimits limits = new DeviceLimits(OptionalDouble.empty(), 3e15, 5e15, OptionalDouble.empty(), "guessed");
    BenchResult result = QUICK.shape(ShapeModelTest.SMALL, 3, 8, List.of(BenchFormat.W4A4),
        List.of(onDevice(reference().getFirst(), limits, new AtomicInteger())), ShapeModelTest.neuron()).getFirst();
    assertEquals(BenchLimits.Rate.FLOPS, result.prompt().limit());
    assertEquals(result.prompt().reached() / 5e15, result.share(result.prompt()));
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
    TokenWork work = new TokenWork(ShapeModelTest.SMALL.block(), 2, 4200, 900, 100, 10, false);
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
