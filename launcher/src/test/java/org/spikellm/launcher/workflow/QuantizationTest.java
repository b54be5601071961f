package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.Block;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.Projection;
import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.QuantizationSpec;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.TrainingListener;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.text.Tokenizer;
import org.spikellm.model.Checkpoint;
import org.spikellm.model.Decoder;
import org.spikellm.model.SpikeMode;

/** From a checkpoint to a packed one, and back. */
class QuantizationTest {

  private static final int SAMPLES = 2;
  private static final int SEQUENCE = 24;
  private static final int EPOCHS = 2;

  private static final Map<String, Made> MADE = new HashMap<>();

  @TempDir
  private static Path shared;

  @TempDir
  private Path temporary;

  private record Made(Path out, Quantization.Result result) {}

  /** What a pipeline makes on two threads, once for all tests. */
  private static Made made(String pipeline) throws IOException {
    if (!MADE.containsKey(pipeline)) {
      Path out = shared.resolve(pipeline);
      Quantization quantization = new Quantization(registry(), options(pipeline), Progress.NONE);
      MADE.put(pipeline, new Made(out, quantization.run(Golden.TALES, out, "auto", 2)));
    }
    return MADE.get(pipeline);
  }

  /** Few epochs, so that the tests stay short. */
  private static Registry registry() throws IOException {
    return Golden.registry().with(Map.of("omniquant.epochs", String.valueOf(EPOCHS)));
  }

  private static QuantizeOptions trained() {
    return new QuantizeOptions("omniquant", "gif", "gradient", standard().spec(), QuantizationSpec.FLOAT_BITS, null, SAMPLES, SEQUENCE,
        Long.MAX_VALUE, true);
  }

  private static QuantizeOptions options(String pipeline) {
    return switch (pipeline) {
      case "omniquant" -> trained();
      case "ternary" -> options("gptq", "ternary-gif", "gradient", new QuantizationSpec(2, 16, 2, 0.1, 0, 2), 16);
      case "ternary, spiking" -> options("gptq", "ternary-gif", "gradient", new QuantizationSpec(2, 4, 2, 0.1, 0, 2), 16);
      case "gptq" -> options("gptq", "gif", "gradient", new QuantizationSpec(3, 16, 2, 0.1, 32, 2), 16);
      case "pb-llm" -> options("pb-llm", "gif", "gradient", new QuantizationSpec(8, 4, 2, 0.1, 0, 2), 16);
      default -> standard();
    };
  }

  private static QuantizeOptions options(String neuron, String detector, QuantizationSpec spec, int headBits) {
    return options("rtn", neuron, detector, spec, headBits);
  }

  private static QuantizeOptions options(String pipeline, String neuron, String detector, QuantizationSpec spec, int headBits) {
    return new QuantizeOptions(pipeline, neuron, detector, spec, headBits, null, SAMPLES, SEQUENCE, Long.MAX_VALUE, true);
  }

  private static QuantizeOptions standard() {
    return options("gif", "gradient", new QuantizationSpec(4, 4, 2, 0.1, 0, 2), QuantizationSpec.FLOAT_BITS);
  }

  private Path run(String name, QuantizeOptions options, int threads, Progress progress) throws IOException {
    Path out = temporary.resolve(name);
    new Quantization(registry(), options, progress).run(Golden.TALES, out, "auto", threads);
    return out;
  }

  /** All files of a directory, by name. */
  private static Map<String, byte[]> files(Path directory) throws IOException {
    Map<String, byte[]> files = new TreeMap<>();
    try (Stream<Path> list = Files.list(directory)) {
      for (Path file : list.toList()) {
        files.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return files;
  }

  private static void assertSame(Path expected, Path found, String what) throws IOException {
    Map<String, byte[]> a = files(expected);
    Map<String, byte[]> b = files(found);
    assertEquals(a.keySet(), b.keySet(), what);
    a.forEach((name, bytes) -> assertArrayEquals(bytes, b.get(name), what + ": " + name));
  }

  @ParameterizedTest
  @ValueSource(strings = {"rtn", "omniquant", "ternary, spiking", "pb-llm"})
  void equalRunsGiveEqualBytesWithAnyNumberOfThreads(String pipeline) throws IOException {
    assertSame(made(pipeline).out(), run("again", options(pipeline), 1, Progress.NONE), "2 threads and 1");
  }

  /** Stops a run, as a crash does, when so many samples are done. */
  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private static Progress crashAt(long samples) {
    return new Progress() {
      @Override
      public void begin(String label, long total, String unit) {}

      @Override
      public void at(long done) {
        if (done >= samples) {
          throw new Crash();
        }
      }

      @Override
      public void end() {}

      @Override
      public void say(String line) {}
    };
  }

  @ParameterizedTest
  @CsvSource({"rtn, 2", "omniquant, 5", "ternary, 6"})
  void aRunThatWasStoppedGoesOnToTheSameBytes(String pipeline, int passes) throws IOException {
    assertThrows(Crash.class, () -> run("resumed", options(pipeline), 2, crashAt((long) passes * SAMPLES * 3 + 1)));
    Path resumed = temporary.resolve("resumed");
    assertFalse(Files.exists(resumed), "a part of a checkpoint has the final name");
    Path partial = temporary.resolve("resumed.partial");
    assertEquals(3, count(partial, ".safetensors"), "finished blocks");
    Files.write(partial.resolve("model-00003-of-00007.safetensors"), new byte[100]);
    Quantization.Result result =
        new Quantization(registry(), options(pipeline), Progress.NONE).run(Golden.TALES, resumed, "auto", 2);
    assertEquals(2, result.resumed(), "blocks that were kept; the third was damaged");
    assertSame(made(pipeline).out(), resumed, "resumed");
    assertFalse(Files.exists(partial));
  }

  /** A default that is spelt out is the same task; another value is another one. */
  @Test
  void optionsAreComparedByWhatTheyMean() throws IOException {
    assertThrows(Crash.class, () -> run("out", trained(), 2, crashAt(5L * SAMPLES * 2 + 1)));
    Path out = temporary.resolve("out");
    Registry spelt = registry().with(Map.of("omniquant.let", "true", "omniquant.lwc-lr", "0.010"));
    List<String> said = new ArrayList<>();
    Quantization.Result same = new Quantization(spelt, trained(), Progress.NONE).run(Golden.TALES, out, "auto", 2);
    assertEquals(2, same.resumed());
    assertThrows(Crash.class, () -> run("other", trained(), 2, crashAt(5L * SAMPLES * 2 + 1)));
    Progress listening = new Progress() {
      @Override
      public void begin(String label, long total, String unit) {}

      @Override
      public void at(long done) {
        throw new Crash();
      }

      @Override
      public void end() {}

      @Override
      public void say(String line) {
        said.add(line);
      }
    };
    Registry other = registry().with(Map.of("omniquant.epochs", "1"));
    assertThrows(Crash.class,
        () -> new Quantization(other, trained(), listening).run(Golden.TALES, temporary.resolve("other"), "auto", 2));
    assertEquals(List.of("Beginning anew: the 2 blocks that an unfinished run left are of another task"), said);
  }

  @Test
  void blocksOfAnotherTaskAreNotKept() throws IOException {
    assertThrows(Crash.class, () -> run("out", standard(), 2, crashAt(2L * SAMPLES * 2 + 1)));
    Quantization.Result result = new Quantization(Golden.registry(),
        options("gif", "magnitude", standard().spec(), QuantizationSpec.FLOAT_BITS), Progress.NONE)
        .run(Golden.TALES, temporary.resolve("out"), "auto", 2);
    assertEquals(0, result.resumed());
  }

  private static long count(Path directory, String ending) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.filter(file -> file.getFileName().toString().endsWith(ending)).count();
    }
  }

  @ParameterizedTest
  @CsvSource({"gif, gradient, 2, 4, 0, 16", "gif, hessian, 3, 6, 32, 16", "gif, mad, 4, 8, 0, 8", "if, magnitude, 6, 4, 64, 16",
      "lif, gradient, 8, 3, 0, 16", "ternary-gif, gradient, 4, 2, 0, 16", "gif, gradient, 16, 4, 0, 16", "gif, gradient, 4, 16, 0, 8",
      "gif, gradient, 16, 16, 0, 16", "ternary-gif, mad, 8, 8, 128, 16"})
  void whatIsReadBackIsWhatWasMade(String neuron, String detector, int weightBits, int activationBits, int groupSize, int headBits)
      throws IOException {
    QuantizationSpec spec = new QuantizationSpec(weightBits, activationBits, 2, 0.1, groupSize, 2);
    QuantizeOptions options = options(neuron, detector, spec, headBits);
    assertReadBack(options, run("out", options, 2, Progress.NONE));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ternary", "ternary, spiking", "gptq", "pb-llm"})
  void weightsOfAnyFormAreReadBackAsTheyWereMade(String pipeline) throws IOException {
    assertReadBack(options(pipeline), made(pipeline).out());
  }

  private static void assertReadBack(QuantizeOptions options, Path out) throws IOException {
    try (Session session = Golden.session(); Checkpoint source = Checkpoint.open(Golden.TALES, Golden.neurons());
        Checkpoint packed = Checkpoint.open(out, Golden.neurons()); Tokenizer tokenizer = Tokenizer.open(out)) {
      List<int[]> windows = CalibrationWindows.draw(tokenizer.encode(Files.readString(Home.calibrationText()), tokenizer.addsBos()),
          "text", SAMPLES, SEQUENCE, options.spec().seed());
      Registry registry = Golden.registry();
      QuantizationRequest request = new QuantizationRequest(options.spec(), registry.find(QuantizationPipeline.class, options.pipeline()),
          registry.find(NeuronModel.class, options.neuron()), registry.find(SalienceDetector.class, options.detector()), windows,
          Long.MAX_VALUE);
      Decoder expected = Quantized.decoder(source, session, request, TrainingListener.NONE, SpikeMode.COLLAPSED);
      Decoder found = Decoder.load(packed, session, SpikeMode.COLLAPSED);
      int[] ids = windows.getFirst();
      expected.forward(ids, expected.newCache(ids.length), (first, hidden) -> {
        float[] made = hidden.toFloats();
        found.forward(ids, found.newCache(ids.length), (again, read) -> assertArrayEquals(made, read.toFloats()));
      });
    }
  }

  /** The figure of {@code quantize} against the file, and against what the plan says: 2, 3 and 4 bits, and 16 for each scale. */
  @Test
  void bitsAndZerosOfSpikeTrainsAreThoseOfTheFiles() throws IOException {
    Path out = made("ternary").out();
    Quantization.Result result = made("ternary").result();
    try (Checkpoint packed = Checkpoint.open(out, Golden.neurons())) {
      double planned = 0;
      double weights = 0;
      double zeros = 0;
      double steps = 0;
      for (int i = 0; i < packed.config().blocks(); i++) {
        planned += 2 * 32.0 * packed.config().block().hidden();
        for (Projection projection : Projection.values()) {
          QuantizedWeight weight = (QuantizedWeight) packed.block(i).linear(projection).weight();
          for (CodeClass codes : weight.classes()) {
            assertEquals(DType.F16, codes.scales().dtype());
            assertEquals(switch (codes.timeSteps()) { case 1 -> 2; case 2 -> 3; default -> 4; }, codes.bits());
            planned += (double) weight.rows() * (8 * CodeClass.packedBytes(codes.columns(), codes.bits()) + 16 * codes.groups());
            steps += (double) weight.rows() * codes.columns() * codes.timeSteps();
          }
          planned += 32.0 * weight.columns();
          for (float value : weight.dequantize().toFloats()) {
            zeros += value == 0 ? 1 : 0;
          }
          weights += (double) weight.rows() * weight.columns();
        }
      }
      long files = 0;
      for (int i = 1; i <= packed.config().blocks(); i++) {
        files += Files.size(out.resolve(String.format("model-%05d-of-%05d.safetensors", i, packed.config().blocks() + 1)));
      }
      assertEquals(planned / weights, result.bitsPerWeight(), 0.01, "bits a weight");
      // Names, types and checksums of some 60 tensors a block: nothing beside a block of usual size.
      double headers = files - result.bitsPerWeight() * weights / 8;
      assertTrue(headers > 0 && headers < (16 << 10) * packed.config().blocks(), headers + " bytes of the files are not weights");
      assertEquals(zeros / weights, result.sparsity(), 1e-9, "share of zeros");
      assertTrue(result.sparsity() > 0.2, "share of zeros " + result.sparsity());
      assertEquals(steps / weights, result.equalSteps(), 1e-9, "equal steps");
      assertEquals(1.4, result.equalSteps(), 0.01, "equal steps");
    }
  }

  @Test
  void theSizeIsThatOfCodesScalesAndOrders() throws IOException {
    Path out = made("rtn").out();
    try (Checkpoint packed = Checkpoint.open(out, Golden.neurons())) {
      long theory = packed.embeddings().segment().byteSize() * 2 + 4L * packed.config().block().hidden();
      for (int i = 0; i < packed.config().blocks(); i++) {
        Block block = packed.block(i);
        theory += 2L * 4 * packed.config().block().hidden();
        for (Projection projection : Projection.values()) {
          QuantizedWeight weight = (QuantizedWeight) block.linear(projection).weight();
          for (CodeClass codes : weight.classes()) {
            theory += (long) weight.rows() * codes.columns() * 4 / 8;
          }
          theory += weight.rows() * 6L + weight.columns() * 4L;
        }
      }
      long found = 0;
      try (Stream<Path> list = Files.list(out)) {
        for (Path file : list.filter(f -> f.getFileName().toString().endsWith(".safetensors")).toList()) {
          found += Files.size(file);
        }
      }
      assertTrue(found < theory * 1.03, found + " bytes, expected at most 3 % above " + theory);
    }
  }

  @Test
  void everythingThatMadeItIsStored() throws IOException {
    Path out = run("out", options("lif", "mad", new QuantizationSpec(3, 4, 4, 0.05, 32, 17), 8), 2, Progress.NONE);
    try (Checkpoint packed = Checkpoint.open(out, Golden.neurons())) {
      Map<String, Object> stored = packed.quantization();
      assertEquals("spikellm", stored.get("quant_method"));
      assertEquals("rtn", ((Map<?, ?>) stored.get("pipeline")).get("id"));
      assertEquals("lif", ((Map<?, ?>) stored.get("neuron")).get("id"));
      assertEquals("mad", ((Map<?, ?>) stored.get("salience")).get("id"));
      assertEquals(List.of(3L, 4L, 4L, 0.05, 32L, 8L, 17L), Stream.of("weight_bits", "activation_bits", "steps", "salient",
          "group_size", "head_bits", "seed").map(stored::get).toList());
      assertEquals(64, String.valueOf(((Map<?, ?>) stored.get("source")).get("sha256")).length());
    }
  }
}
