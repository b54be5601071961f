package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
      2 | --shape llama-2-7b --format w3a4            | Invalid value for option '--format'
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

  @Test
  void theTableIsNarrowAndSaysWhatWasExtrapolated() {
    BenchResult.Phase prompt = new BenchResult.Phase(512, new Series(1234, 1134.5, 1300), new Series(120.4, 110, 130), 85e9,
        new Series(170e9, 160e9, 175e9));
    BenchResult.Phase generate = new BenchResult.Phase(64, new Series(48.21, 40, 50), new Series(4.8, 4, 5), 18e9,
        new Series(24e9, 20e9, 25e9));
    BenchResult result = new BenchResult("reference", "plain Java", 2, "llama-2-70b", true, 2, "w4a4", 8, 80, 34_900_000_000L, 4.02, 12.3,
        prompt, generate, OptionalLong.empty());
    List<String> lines = new BenchTable(List.of(result), 5).lines();
    String all = String.join("\n", lines);
    assertTrue(lines.stream().allMatch(line -> line.length() <= 100), all);
    assertTrue(all.contains("llama-2-70b, 8 of 80 blocks, random weights (seed 2), 2 threads; median of 5 runs"), all);
    assertTrue(all.contains("34.90 GB  4.02 12.30 s  1234 (1135 .. 1300)   50 %  48.2 (40.0 .. 50.0)   75 %"), all);
    assertTrue(all.contains("Extrapolated to all 80 blocks, reference w4a4: prompt 120, generate 4.80 tokens/s."), all);
  }
}
