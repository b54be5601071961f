package org.spikellm.launcher.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.spikellm.launcher.workflow.BenchLimits;
import org.spikellm.launcher.workflow.BenchResult;
import org.spikellm.launcher.workflow.Series;

/** What a benchmark measured, for people: a line for each model and backend, and what to know about the figures. */
final class BenchTable {

  /** So many bytes a token a large cache may partly hold from one token to the next. */
  private static final double CACHEABLE_BYTES = 256e6;
  private static final int WIDTH = 100;
  private static final int FORMAT_WIDTH = 10;

  private final List<BenchResult> results;
  private final int repeat;
  private final String row;

  /**
   * A table.
   *
   * @param results at least one, of one model
   * @param repeat runs behind each figure
   */
  BenchTable(List<BenchResult> results, int repeat) {
    this.results = results;
    this.repeat = repeat;
    int format = results.stream().mapToInt(r -> r.format().length()).max().orElse(0);
    row = "%-9s %-" + Math.max(FORMAT_WIDTH, format) + "s %8s %5s %7s  %-20s %5s  %-20s %5s";
  }

  List<String> lines() {
    BenchResult first = results.getFirst();
    List<String> lines = new ArrayList<>();
    wrap(String.format(Locale.ROOT, "%s, %s%s, %d thread%s; median of %d run%s (min .. max)%s", first.model(),
        first.extrapolated() ? first.blocks() + " of " + first.wholeBlocks() + " blocks" : first.blocks() + " blocks",
        first.shape() ? ", random weights (seed " + first.seed() + ")" : "", first.threads(), first.threads() == 1 ? "" : "s",
        repeat, repeat == 1 ? "" : "s", results.size() > 1 ? ", taking turns" : ""), lines);
    results.stream().map(r -> r.backend() + " runs on " + r.device()).distinct().forEach(lines::add);
    lines.add("");
    lines.add(row("backend", "format", "weights", "bits", "load", "prompt, tokens/s", "ops", "generate, tokens/s", "read"));
    for (BenchResult result : results) {
      lines.add(row(result.backend(), result.format(), size(result.weightBytes()),
          String.format(Locale.ROOT, "%.2f", result.bitsAWeight()), String.format(Locale.ROOT, "%.2f s", result.loadSeconds()),
          text(result.prompt().rate()), share(result, result.prompt()),
          text(result.generate().rate()), share(result, result.generate())));
    }
    lines.add("");
    addNotes(first, lines);
    return lines;
  }

  private void addNotes(BenchResult first, List<String> lines) {
    for (BenchResult result : results) {
      if (result.extrapolated()) {
        lines.add(String.format(Locale.ROOT, "Extrapolated to all %d blocks, %s %s: prompt %s, generate %s tokens/s.",
            result.wholeBlocks(), result.backend(), result.format(), number(result.prompt().wholeRate().median()),
            number(result.generate().wholeRate().median())));
      }
    }
    lines.add("Weights: of the blocks and the head; bits: of a weight of the blocks, with scales and zero points.");
    String onBytes = results.stream().filter(r -> r.prompt().limit() == BenchLimits.Rate.BYTE_OPS)
        .map(r -> r.format() + " on " + r.backend()).collect(Collectors.joining(", "));
    wrap(String.format(Locale.ROOT, "Prompt: length %d, from an empty cache; ops: share of the float multiply rate below%s.",
        first.prompt().tokens(), onBytes.isEmpty() ? ""
            : ", or of that of products of bytes where weights and inputs are integers (" + onBytes + ")"), lines);
    lines.add(String.format(Locale.ROOT, "Generate: the next %d, after the prompt; read: share of the read bandwidth below that",
        first.generate().tokens()));
    lines.add("weights and cached keys and values make. Warm-up is not counted.");
    addLimits(lines);
    first.residentBytes().ifPresent(bytes -> lines.add(String.format(Locale.ROOT, "Resident memory of the process: %.2f GB.",
        results.stream().mapToLong(r -> r.residentBytes().orElse(bytes)).max().orElse(bytes) / 1e9)));
    List<String> small = results.stream().filter(r -> r.weightBytes() < CACHEABLE_BYTES).map(BenchResult::format).distinct()
        .toList();
    if (!small.isEmpty()) {
      lines.add("The weights of " + String.join(", ", small) + " are so small that the processor's caches may hold part of them.");
    }
  }

  private static String size(long bytes) {
    return bytes < 1e8 ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6) : String.format(Locale.ROOT, "%.2f GB", bytes / 1e9);
  }

  private String row(Object... cells) {
    return String.format(Locale.ROOT, row, cells).stripTrailing();
  }

  private static String text(Series rate) {
    return number(rate.median()) + " (" + number(rate.min()) + " .. " + number(rate.max()) + ")";
  }

  /** Three digits or more. */
  private static String number(double value) {
    return String.format(Locale.ROOT, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
  }

  private static String share(BenchResult result, BenchResult.Phase phase) {
    return String.format(Locale.ROOT, "%.0f %%", 100 * result.share(phase));
  }

  /** What each device, and the machine, gave beside the runs. */
  private void addLimits(List<String> lines) {
    List<BenchResult> machine = results.stream().filter(r -> !r.limits().own()).toList();
    if (!machine.isEmpty()) {
      lines.add("The machine beside it: reads " + spread(machine, BenchLimits.Rate.READ_BYTES, 1) + " GB/s, multiplies and adds "
          + spread(machine, BenchLimits.Rate.FLOPS, 0) + " GFLOP/s.");
    }
    Map<String, List<BenchResult>> devices = results.stream().filter(r -> r.limits().own())
        .collect(Collectors.groupingBy(BenchResult::device, LinkedHashMap::new, Collectors.toList()));
    devices.forEach((device, of) -> {
      List<String> gives = new ArrayList<>();
      series(of, BenchLimits.Rate.COPY_BYTES).ifPresent(s -> gives.add("copies " + number(s.median() / 1e9)
          + " GB/s (read and written)"));
      series(of, BenchLimits.Rate.READ_BYTES).ifPresent(s -> gives.add("reads " + number(s.median() / 1e9) + " GB/s"));
      series(of, BenchLimits.Rate.FLOPS).ifPresent(s -> gives.add("multiplies and adds " + operations(s) + "FLOP/s"));
      series(of, BenchLimits.Rate.BYTE_OPS).ifPresent(s -> gives.add("products of bytes " + operations(s) + "OP/s"));
      wrap(device + ": " + String.join(", ", gives) + "; " + of.getFirst().limits().measured() + ".", lines);
    });
  }

  /** A rate's median and extremes over all of {@code some}. */
  private static Optional<Series> series(List<BenchResult> some, BenchLimits.Rate rate) {
    List<Series> all = some.stream().map(r -> r.limits().rates().get(rate)).filter(Objects::nonNull).toList();
    return all.isEmpty() ? Optional.empty() : Optional.of(new Series(
        all.stream().mapToDouble(Series::median).sorted().skip(all.size() / 2).findFirst().orElseThrow(),
        all.stream().mapToDouble(Series::min).min().orElseThrow(), all.stream().mapToDouble(Series::max).max().orElseThrow()));
  }

  private static String spread(List<BenchResult> some, BenchLimits.Rate rate, int decimals) {
    Series series = series(some, rate).orElseThrow();
    String format = "%." + decimals + "f";
    return String.format(Locale.ROOT, format + " (" + format + " .. " + format + ")", series.median() / 1e9, series.min() / 1e9,
        series.max() / 1e9);
  }

  private static String operations(Series rate) {
    return rate.median() < 1e12 ? number(rate.median() / 1e9) + " G" : number(rate.median() / 1e12) + " T";
  }

  /** As many lines as it takes, cut at spaces. */
  private static void wrap(String text, List<String> lines) {
    String left = text;
    while (left.length() > WIDTH && left.lastIndexOf(' ', WIDTH) > 0) {
      int cut = left.lastIndexOf(' ', WIDTH);
      lines.add(left.substring(0, cut));
      left = left.substring(cut + 1);
    }
    lines.add(left);
  }
}
