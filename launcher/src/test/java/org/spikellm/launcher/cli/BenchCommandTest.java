package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.launcher.workflow.BenchLimits;
import org.spikellm.launcher.workflow.BenchResult;
import org.spikellm.launcher.workflow.Series;
import picocli.CommandLine;

class BenchCommandTest {

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      2 |                                             | expected a MODEL or --shape NAME, found neither
      2 | model --shape llama-2-7b                    | expected a MODEL or --shape NAME, found both
      2 | --shape llama-3 | --shape: there is no shape 'llama-3'; known ones: tinyllama-1.1b, llama-2-7b, llama-2-70b
      2 | --shape llama-2-7b:33                       | --shape llama-2-7b: expected 1 to 32 blocks, found '33'
      2 | --shape llama-2-7b:                         | --shape llama-2-7b: expected 1 to 32 blocks, found ''
      2 | --shape llama-2-7b:1:2                      | --shape llama-2-7b: expected 1 to 32 blocks, found '1:2'
      2 | --shape llama-2-7b --repeat 0               | --repeat: expected 1 or more, found 0
      2 | --shape llama-2-7b --prompt-tokens 0        | --prompt-tokens: expected 1 or more, found 0
      2 | --shape llama-2-7b --generate-tokens -1     | --generate-tokens: expected 1 or more, found -1
      2 | --shape llama-2-7b --threads 0              | --threads: expected 1 to 1024, found 0
      2 | --shape llama-2-7b --prompt-tokens 4096 | expected at most 4096 tokens, the limit of llama-2-7b; found 4096 of the prompt
      2 | --shape llama-2-7b --format w3a4            | (FORMAT): expected float, w4a4, w8a8, ternary, ternary-a8, ternary-t1, ternary-t1-a4, found 'w3a4'
      2 | model --format w4a4                         | --format is for --shape: a checkpoint has its own
      2 | model --head-bits 8                         | --head-bits is for --shape: a checkpoint has its own
      2 | --shape llama-2-7b --head-bits 4            | --head-bits: expected 8 or 16, found 4
      1 | --shape llama-2-7b --backend reference,none | there is no backend 'none'
      1 | --shape llama-2-7b --backend reference,     | there is no backend ''
      2 | model --json --csv                          | expected --json or --csv, found both
      1 | no/such/model                               | no/such/model: expected a directory with config.json
      """)
  void aCallThatCannotBeIsRefusedInOneLine(int status, String arguments, String message) {
    StringWriter err = new StringWriter();
    CommandLine command = new CommandLine(new BenchCommand()).setErr(new PrintWriter(err));
    command.setParameterExceptionHandler((e, args) -> {
      err.write(e.getMessage());
      return CommandLine.ExitCode.USAGE;
    });
    command.setExecutionExceptionHandler((e, line, parsed) -> {
      err.write(e.getMessage());
      return CommandLine.ExitCode.SOFTWARE;
    });
    assertEquals(status, command.execute(arguments == null ? new String[0] : arguments.split(" ")), err.toString());
    assertTrue(err.toString().contains(message), err.toString());
    assertEquals(1, err.toString().lines().count(), err.toString());
  }

  private static BenchResult result(String backend, String device, String format, BenchLimits.Rate promptLimit,
      BenchLimits limits) {
    BenchResult.Phase prompt = new BenchResult.Phase(512, new Series(1234, 1134.5, 1300), new Series(120.4, 110, 130), 85e9,
        promptLimit);
    BenchResult.Phase generate = new BenchResult.Phase(64, new Series(48.21, 40, 50), new Series(4.8, 4, 5), 18e9,
        BenchLimits.Rate.READ_BYTES);
    return new BenchResult(backend, device, 2, "llama-2-70b", true, 2, format, 8, 80, 34_900_000_000L, 4.02, 12.3, prompt,
        generate, limits, OptionalLong.empty());
  }

  private static BenchResult reference() {
    return result("reference", "plain Java", "w4a4", BenchLimits.Rate.FLOPS, new BenchLimits(false, Map.of(
        BenchLimits.Rate.READ_BYTES, new Series(24e9, 20e9, 25e9), BenchLimits.Rate.FLOPS, new Series(170e9, 160e9, 175e9)), ""));
  }

  private static BenchResult gpu(String format, BenchLimits.Rate promptLimit) {
    return result("gpu", "a card of some length, with 40 GB of memory", format, promptLimit, new BenchLimits(true, Map.of(
        BenchLimits.Rate.READ_BYTES, new Series(180e9, 170e9, 190e9), BenchLimits.Rate.FLOPS, new Series(850e9, 840e9, 860e9),
        BenchLimits.Rate.COPY_BYTES, new Series(150e9, 150e9, 150e9), BenchLimits.Rate.BYTE_OPS, new Series(3.4e12, 3e12, 4e12)),
        "512 MB, twice"));
  }

  @Test
  void theTableIsNarrowAndSaysWhatWasExtrapolated() {
    List<String> lines = new BenchTable(List.of(reference()), 5).lines();
    String all = String.join("\n", lines);
    assertTrue(lines.stream().allMatch(line -> line.length() <= 100), all);
    assertTrue(all.contains("llama-2-70b, 8 of 80 blocks, random weights (seed 2), 2 threads; median of 5 runs"), all);
    assertTrue(all.contains("34.90 GB  4.02 12.30 s  1234 (1135 .. 1300)   50 %  48.2 (40.0 .. 50.0)   75 %"), all);
    assertTrue(all.contains("Extrapolated to all 80 blocks, reference w4a4: prompt 120, generate 4.80 tokens/s."), all);
    assertTrue(all.contains("ops: share of the float multiply rate below.\n"), all);
    assertTrue(all.contains("The machine beside it: reads 24.0 (20.0 .. 25.0) GB/s, "
        + "multiplies and adds 170 (160 .. 175) GFLOP/s."), all);
  }

  @Test
  void eachRowIsHeldAgainstItsOwnDevice() {
    BenchResult floats = gpu("float", BenchLimits.Rate.FLOPS);
    List<String> lines = new BenchTable(List.of(reference(), gpu("w4a4", BenchLimits.Rate.BYTE_OPS), floats), 5).lines();
    String all = String.join("\n", lines);
    assertTrue(lines.stream().allMatch(line -> line.length() <= 100), all);
    List<String> rows = lines.stream().filter(line -> line.contains("34.90 GB")).map(line -> line.replaceAll(" +", " ")).toList();
    String row = " 34.90 GB 4.02 12.30 s 1234 (1135 .. 1300) %s %% 48.2 (40.0 .. 50.0) %s %%";
    assertEquals(List.of(String.format("reference w4a4" + row, 50, 75), String.format("gpu w4a4" + row, 3, 10),
        String.format("gpu float" + row, 10, 10)), rows);
    String text = all.replace('\n', ' ');
    assertTrue(text.contains("or of that of products of bytes where weights and inputs are integers (w4a4 on gpu)."), all);
    assertTrue(text.contains("The machine beside it: reads 24.0 (20.0 .. 25.0) GB/s"), all);
    assertTrue(text.contains("a card of some length, with 40 GB of memory: copies 150 GB/s (read and written), reads 180 GB/s, "
        + "multiplies and adds 850 GFLOP/s, products of bytes 3.40 TOP/s; 512 MB, twice."), all);
    assertFalse(String.join(" ", new BenchTable(List.of(floats), 5).lines()).contains("The machine"), "nothing ran on its cores");
  }
}
