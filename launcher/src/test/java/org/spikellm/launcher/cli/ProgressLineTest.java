package org.spikellm.launcher.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.junit.jupiter.api.Test;

class ProgressLineTest {

  private static final String NOTE = "block 1 of 6, epoch 2: loss 0.1234";

  private static String line(int columns, String note) {
    return new ProgressLine("samples", columns, false, () -> 0).line("Quantizing", 168, 672, note, 32.5);
  }

  @Test
  void allOfItFitsAWideTerminal() {
    assertEquals("Quantizing  25 % ━━━━━━━━━━──────────────────────────────  0:16 left  33 samples/s  168/672  " + NOTE, line(140, NOTE));
  }

  @Test
  void whatIsLeastNeededGoesFirstAndTheNoteStays() {
    assertEquals("Quantizing  25 % ━━━───────  0:16 left  33 samples/s  " + NOTE, line(89, NOTE));
    assertEquals("Quantizing  25 % ━━───────  0:16 left  33/s  " + NOTE, line(80, NOTE));
    assertEquals("Quantizing  25 % ━━───────  0:16 left  " + NOTE, line(74, NOTE));
    assertEquals("Quantizing  25 % " + NOTE, line(60, NOTE));
    assertEquals("Quantizing  25 % block 1 of 6, epoch 2:", line(40, NOTE));
  }

  @Test
  void noLineIsLongerThanTheTerminal() {
    for (int columns = 20; columns < 200; columns++) {
      for (String note : new String[] {"", NOTE}) {
        int length = line(columns, note).length();
        assertTrue(length < columns, columns + ": " + length);
      }
    }
  }

  @Test
  void everyLineReachesTheTerminalAndNothingOfOneBefore() {
    for (int columns = 20; columns < 200; columns++) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      PrintStream err = new PrintStream(bytes, true, StandardCharsets.UTF_8);
      ProgressLine renderer = new ProgressLine("tokens", columns, true, () -> Double.NaN);
      try (ProgressBar bar = new ProgressBarBuilder().setTaskName("Perplexity of evaluation.txt").setInitialMax(37_000)
          .setUpdateIntervalMillis(10_000).setRenderer(renderer).setConsumer(new TerminalProgress.Line(err, columns)).build()) {
        bar.refresh();
      }
      String last = bytes.toString(StandardCharsets.UTF_8);
      assertTrue(last.startsWith("\rPerplexity of eval") && last.contains("\033[K"), columns + ": " + last);
    }
  }

  @Test
  void coloursAreLeftOutWhereTheyAreNotWanted() {
    assertTrue(new ProgressLine("tokens", 100, true, () -> 0).line("Reading", 1, 2, "", 1).contains("\033["));
    assertFalse(new ProgressLine("tokens", 100, false, () -> 0).line("Reading", 1, 2, "", 1).contains("\033["));
  }

  @Test
  void nothingIsSaidOfARateThatIsNotKnown() {
    String line = new ProgressLine("tokens", 100, false, () -> 0).line("Reading", 0, 3_700_000, "", Double.NaN);
    assertTrue(line.endsWith("  0/3700000") && !line.contains("left"), line);
    assertTrue(new ProgressLine("tokens", 100, false, () -> 0).line("Reading", 0, 37_000, "", 5).contains("2:03:20 left"));
  }
}
