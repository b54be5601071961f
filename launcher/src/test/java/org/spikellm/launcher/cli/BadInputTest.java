package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bad input gets one clear line and a status, never a stack trace and never a half-written result. */
class BadInputTest {

  @TempDir
  private Path temporary;

  private static Arguments broken(String name, Consumer<ModelCopy> change, String... expected) {
    return Arguments.of(name, change, expected);
  }

  static Stream<Arguments> checkpoints() {
    return Stream.of(
        broken("config.json missing", m -> m.without("config.json"), "config.json", "not found"),
        broken("config.json not JSON", m -> m.text("config.json", t -> t.substring(0, 40)), "config.json", "not JSON"),
        broken("config.json a list", m -> m.text("config.json", t -> "[1]"), "config.json", "object"),
        broken("another architecture", m -> m.config("LlamaForCausalLM", "GPT2LMHeadModel"), "architectures", "GPT2LMHeadModel",
            "LlamaForCausalLM"),
        broken("another rope scaling", m -> m.config("\"rope_theta\"",
            "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 2}, \"rope_theta\""), "rope_type", "yarn", "llama3"),
        broken("quantized by someone else", m -> m.config("\"rope_theta\"",
            "\"quantization_config\": {\"quant_method\": \"awq\"}, \"rope_theta\""), "awq", "spikellm"),
        broken("negative size", m -> m.config("\"hidden_size\": 192", "\"hidden_size\": -192"), "hidden_size", "-192"),
        broken("absurd size", m -> m.config("\"hidden_size\": 192", "\"hidden_size\": 4000000000000"), "hidden_size", "4000000000000"),
        broken("absurd number of blocks", m -> m.config("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 1e400"),
            "num_hidden_layers"),
        broken("more blocks than there are", m -> m.config("\"num_hidden_layers\": 6", "\"num_hidden_layers\": 7"), "layers.6.",
            "missing"),
        broken("heads that do not divide", m -> m.config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4"),
            "num_key_value_heads", "divisor"),
        broken("truncated", m -> m.bytes("model.safetensors", b -> Arrays.copyOf(b, b.length - 1000)), "model.safetensors",
            "truncated"),
        broken("truncated within the header's length", m -> m.bytes("model.safetensors", b -> Arrays.copyOf(b, 5)), "truncated"),
        broken("header length beyond the file", m -> m.bytes("model.safetensors", b -> {
          ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
          return b;
        }), "header length", "9223372036854775807"),
        broken("overlapping tensors", m -> m.header("\\[786432,1572864\\]", "[786400,1572832]"), "overlap"),
        broken("offsets out of range", m -> m.header("\\[786432,1572864\\]", "[786432,99999999]"), "embed_tokens", "99999999"),
        broken("offsets that do not fit the shape", m -> m.header("\"shape\":\\[2048,192\\]", "\"shape\":[2048,191]"), "expected",
            "782336"),
        broken("a missing tensor", m -> m.header("lm_head.weight", "lm_head.wight"), "lm_head.weight", "missing"),
        broken("a wrong shape", m -> m.header("\"shape\":\\[2048,192\\]", "\"shape\":[192,2048]"), "lm_head.weight", "[192, 2048]",
            "[2048, 192]"),
        broken("a wrong type", m -> m.header("\"F16\",\"shape\":\\[2048,192\\]", "\"I16\",\"shape\":[2048,192]"), "I16", "F16"),
        broken("an unknown type", m -> m.header("\"F16\",\"shape\":\\[2048,192\\]", "\"F8_E5M2\",\"shape\":[2048,192]"), "F8_E5M2"),
        broken("NaN weights", m -> m.bytes("model.safetensors", b -> {
          b[b.length - 2] = (byte) 0xff;
          b[b.length - 1] = 0x7f;
          return b;
        }), "NaN", "finite"),
        broken("an index that points outside", m -> write(m, "../elsewhere.safetensors"), "../elsewhere"),
        broken("an index that names what is not there", m -> write(m, "gone.safetensors"), "gone.safetensors"),
        broken("no tokenizer", m -> m.without("tokenizer.json"), "tokenizer"),
        broken("a tokenizer that does not fit", m -> m.text("tokenizer.json",
            t -> t.replaceFirst("\"id\": ?2,", "\"id\": 5000,")), "tokenizer"),
        broken("a tokenizer that is not JSON", m -> m.text("tokenizer.json", t -> t.substring(0, 1000)), "tokenizer.json"));
  }

  private static void write(ModelCopy model, String file) {
    try {
      Files.writeString(model.directory().resolve("model.safetensors.index.json"),
          "{\"weight_map\": {\"lm_head.weight\": \"" + file + "\"}}");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("checkpoints")
  void checkpointsThatAreNot(String name, Consumer<ModelCopy> change, String[] expected) {
    ModelCopy model = ModelCopy.in(temporary.resolve("model"));
    change.accept(model);
    refused(1, expected, "generate", model.directory().toString(), "--prompt", "Once", "--max-tokens", "1");
    Path out = temporary.resolve("out");
    refused(1, expected, "quantize", model.directory().toString(), out.toString(), "--samples", "1", "--sequence", "16", "--quiet");
    assertFalse(Files.exists(out), name + ": something was written");
  }

  @Test
  void whatIsNoDirectory() {
    refused(1, new String[] {"/nowhere", "directory", "nothing"}, "inspect", "/nowhere");
    String file = ModelCopy.ORIGINAL.resolve("config.json").toString();
    refused(1, new String[] {file, "directory", "a file"}, "evaluate", file, "--text", file);
  }

  @Test
  void calibrationTexts() throws IOException {
    Path empty = Files.writeString(temporary.resolve("empty.txt"), "  \n");
    Path small = Files.writeString(temporary.resolve("short.txt"), "Once upon a time.");
    Path binary = Files.write(temporary.resolve("binary.txt"), new byte[] {(byte) 0xff, (byte) 0xfe, 0, 1});
    String out = temporary.resolve("out").toString();
    refused(1, new String[] {"empty.txt", "expected text"}, quantize(out, "--calibration", empty.toString()));
    refused(1, new String[] {"short.txt", "window of 64 tokens"}, quantize(out, "--calibration", small.toString(), "--sequence", "64"));
    refused(1, new String[] {"binary.txt", "UTF-8"}, quantize(out, "--calibration", binary.toString()));
    refused(1, new String[] {"gone.txt", "nothing"}, quantize(out, "--calibration", temporary.resolve("gone.txt").toString()));
    refused(1, new String[] {"short.txt", "window"},
        "evaluate", ModelCopy.ORIGINAL.toString(), "--text", small.toString(), "--quiet");
    assertFalse(Files.exists(Path.of(out)));
  }

  @Test
  void placesThatCannotBeWritten() throws IOException {
    Path full = Files.createDirectory(temporary.resolve("taken"));
    Files.writeString(full.resolve("precious"), "keep");
    refused(1, new String[] {"taken", "not an empty directory"}, quantize(full.toString()));
    assertEquals("keep", Files.readString(full.resolve("precious")));
    Path file = Files.writeString(temporary.resolve("file"), "");
    refused(1, new String[] {file.resolve("out") + ": cannot be written: ", "file is a file", "another place"},
        quantize(file.resolve("out").toString()));
    refused(2, new String[] {"OUT", "expected a path, found nothing"}, quantize(""));
  }

  /** A directory that not even a superuser may write to. */
  @Test
  void aSystemsOwnDirectory() {
    Path proc = Path.of("/proc");
    assumeTrue(Files.isDirectory(proc), "there is no " + proc + " here");
    refused(1, new String[] {"/proc/out.partial: cannot be written: its directory takes no new files"}, quantize("/proc/out"));
  }

  @Test
  void aFullDisk() throws IOException, InterruptedException {
    Path disk = Files.createDirectory(temporary.resolve("disk"));
    Process mount = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk.toString())
        .redirectErrorStream(true).start();
    assumeTrue(mount.waitFor() == 0, "a small file system cannot be mounted here");
    try {
      refused(1, new String[] {"cannot be written", "space"}, quantize(disk.resolve("out").toString()));
      assertFalse(Files.exists(disk.resolve("out")));
    } finally {
      assertEquals(0, new ProcessBuilder("umount", disk.toString()).start().waitFor());
    }
  }

  @Test
  void providersAndOptionsThatAreNot() {
    String out = temporary.resolve("out").toString();
    refused(2, new String[] {"no backend 'cuda'", "simd"}, quantize(out, "--backend", "cuda"));
    refused(2, new String[] {"no neuron 'izhikevich'", "gif"}, quantize(out, "--neuron", "izhikevich"));
    refused(2, new String[] {"no detector 'x'", "gradient"}, quantize(out, "--salience", "x"));
    refused(2, new String[] {"no pipeline 'awq'", "rtn"}, quantize(out, "--pipeline", "awq"));
    refused(2, new String[] {"lif", "no option 'leek'", "leak"}, quantize(out, "--option", "lif.leek=1"));
    refused(2, new String[] {"lif.leak", "'7'"}, quantize(out, "--neuron", "lif", "--option", "lif.leak=7"));
    refused(2, new String[] {"--epochs", "'rtn' has no option 'epochs'", "clip"}, quantize(out, "--pipeline", "rtn", "--epochs", "3"));
    refused(2, new String[] {"omniquant.epochs", "whole number", "'1.5'"}, quantize(out, "--epochs", "1.5"));
    refused(2, new String[] {"omniquant.alpha", "0.0 to 1.0", "'2'"}, quantize(out, "--alpha", "2"));
    refused(2, new String[] {"--memory", "512M", "'lots'"}, quantize(out, "--memory", "lots"));
    refused(2, new String[] {"spike counts", "32767"}, quantize(out, "--activation-bits", "15", "--steps", "4"));
    refused(1, new String[] {"--module-path", "/nowhere"}, quantize(out, "--module-path", "/nowhere"));
    for (String[] wrong : new String[][] {{"--weight-bits", "9"}, {"--weight-bits", "x"}, {"--activation-bits", "1"}, {"--steps", "0"},
        {"--salient", "2"}, {"--threads", "0"}, {"--samples", "0"}, {"--sequence", "1"}, {"--head-bits", "3"}, {"--stepz", "2"}}) {
      refused(2, new String[] {wrong[0]}, quantize(out, wrong));
    }
    refused(2, new String[] {"generat", "generate"}, "generat");
    refused(2, new String[] {"command"});
    assertFalse(Files.exists(Path.of(out)));
  }

  @Test
  void aPromptLongerThanTheModelsLimit() {
    refused(1, new String[] {"--prompt", "at most 511 tokens"}, "generate", ModelCopy.ORIGINAL.toString(), "--prompt",
        "once upon a time ".repeat(300));
  }

  @Test
  void packedCheckpointsThatWereAltered() throws IOException {
    Path out = temporary.resolve("packed");
    assertEquals(0, Program.run(quantize(out.toString())).status());
    refused(1, new String[] {"quantized already"}, "quantize", out.toString(), temporary.resolve("again").toString());
    Path block = out.resolve("model-00003-of-00007.safetensors");
    byte[] bytes = Files.readAllBytes(block);
    bytes[bytes.length - 5] ^= 1;
    Files.write(block, bytes);
    refused(1, new String[] {"model-00003-of-00007.safetensors", "altered", "CRC-32C"}, "inspect", out.toString());
    Files.write(block, Arrays.copyOf(bytes, bytes.length / 2));
    refused(1, new String[] {"model-00003-of-00007.safetensors", "truncated"}, "inspect", out.toString());
    bytes[bytes.length - 5] ^= 1;
    Files.write(block, bytes);
    Path config = out.resolve("config.json");
    String json = Files.readString(config);
    Files.writeString(config, json.replace("\"gif\"", "\"gone\""));
    refused(1, new String[] {"neuron", "'gone'", "gif"}, "inspect", out.toString());
    Files.writeString(config, json.replaceFirst("\"format_version\" : \\d+", "\"format_version\" : 99"));
    refused(1, new String[] {"format_version", "99"}, "inspect", out.toString());
    Files.writeString(config, json);
    assertEquals(0, Program.run("inspect", out.toString()).status());
  }

  private static String[] quantize(String out, String... more) {
    String[] start = {"quantize", ModelCopy.ORIGINAL.toString(), out, "--samples", "1", "--quiet"};
    String[] sequence = Arrays.asList(more).contains("--sequence") ? new String[0] : new String[] {"--sequence", "16"};
    return Stream.of(start, sequence, more).flatMap(Arrays::stream).toArray(String[]::new);
  }

  private static void refused(int status, String[] expected, String... args) {
    Program run = Program.run(args);
    String what = String.join(" ", args) + "\n" + run.err();
    assertEquals(status, run.status(), what);
    assertTrue(run.err().startsWith("spikellm: "), what);
    assertEquals(status, run.complaints().size(), "one line, and a second one with the way to the help after a wrong call: " + what);
    assertFalse(run.err().contains("\tat ") || run.err().contains("Exception") || run.err().contains("unexpected"), what);
    assertEquals("", run.out(), what);
    for (String part : expected) {
      assertTrue(run.err().contains(part), "no '" + part + "' in: " + what);
    }
  }
}
