package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.Demonstration;
import org.spikellm.launcher.workflow.EnergyTable;
import org.spikellm.launcher.workflow.LayerCost;
import org.spikellm.launcher.workflow.Operation;
import org.spikellm.launcher.workflow.Home;
import org.spikellm.launcher.workflow.Quantization;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;
import org.spikellm.model.OutputPlace;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Everything once, on the embedded model. */
@Command(name = "demo", description = "Quantize and run the embedded model: what spikes change, in about a minute.")
final class DemoCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Option(names = "--prompt", paramLabel = "TEXT", defaultValue = "Once upon a time there was",
      description = "What both models continue. Default: ${DEFAULT-VALUE}.")
  private String prompt;

  @Option(names = "--max-tokens", paramLabel = "N", defaultValue = "60",
      description = "Tokens of a continuation. Default: ${DEFAULT-VALUE}.")
  private int maxTokens;

  @Option(names = "--out", paramLabel = "DIR",
      description = "Where the spiking model is written, replacing an earlier demo's. Default: a directory in the user's cache.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    if (maxTokens < 2 || maxTokens > Demonstration.SEQUENCE) {
      throw common.wrong("--max-tokens: expected 2 to " + Demonstration.SEQUENCE + ", found " + maxTokens);
    }
    Registry registry = common.registry().under(Demonstration.PIPELINE_OPTIONS);
    Path source = Home.model();
    Path target = out == null ? cache().resolve("demo") : out;
    common.threads();
    registry.backend(common.backend);
    clear(target, registry);
    say("tales-3m: a LLaMA of 3.1 million parameters that tells fairy tales. Backend: " + registry.backend(common.backend).id());
    say("1. Quantizing: 4-bit weights; activations, keys and values as spike counts of GIF neurons,");
    say("   15 a time step; the tenth of the channels that matters most gets two steps.");
    Quantization.Result result =
        new Quantization(registry, Demonstration.options(), common.progress()).run(source, target, common.backend, common.threads());
    say(String.format(Locale.ROOT, "   %d blocks in %.1f s", result.blocks(), result.seconds()));
    say("2. Running both models");
    Demonstration.Figures floating = measure(registry, source);
    Demonstration.Figures spiking = measure(registry, target);
    if (common.json) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("float", json(floating));
      json.put("spiking", json(spiking));
      json.put("model", target.toString());
      common.printJson(json);
      return 0;
    }
    print(floating, spiking, source, target);
    return 0;
  }

  private Demonstration.Figures measure(Registry registry, Path model) throws IOException {
    return Demonstration.measure(model, prompt, maxTokens, registry, common.backend, common.threads(), common.progress());
  }

  private void print(Demonstration.Figures floating, Demonstration.Figures spiking, Path source, Path target) {
    common.out.println();
    common.out.println("float:   " + prompt + floating.continuation().text());
    common.out.println();
    common.out.println("spiking: " + prompt + spiking.continuation().text());
    common.out.println();
    Table table = new Table().row("", "float", "spiking");
    row(table, "perplexity (embedded text)", floating, spiking, f -> number("%.2f", f.perplexity().value()));
    row(table, "bits a weight (linear layers)", floating, spiking, f -> number("%.2f", f.bitsPerWeight()));
    row(table, "size, with embeddings", floating, spiking, f -> Table.bytes(f.bytes()));
    row(table, "generated tokens a second", floating, spiking, f -> number("%.0f", f.continuation().tokensPerSecond()));
    row(table, "read tokens a second", floating, spiking, f -> number("%.0f", f.promptTokensPerSecond()));
    double tokens = spiking.tokens();
    LayerCost cost = spiking.cost().total();
    long macs = cost.macs();
    table.row("multiplications a token", number("%.2e", macs / tokens), number("%.2e", cost.scalings() / tokens));
    table.row("spikes a token", "", number("%.0f", cost.spikes() / tokens));
    table.row("firing rate", "", number("%.1f %%", 100 * cost.firingRate()));
    table.row("additions a token", number("%.2e", macs / tokens), number("%.2e", cost.accumulates() / tokens));
    table.row("energy a token, estimated*", micro(EnergyTable.DEFAULT.joules(Operation.FP32_MAC, macs) / tokens),
        micro(cost.joules(EnergyTable.DEFAULT) / tokens));
    table.print(common.out);
    common.out.println("* arithmetic of the linear layers alone, 45 nm (Horowitz 2014): 4.6 pJ a float multiply-add, 0.03 pJ an");
    common.out.println("  8-bit addition. Without spikes, as 8-bit multiply-adds, they would take "
        + micro(EnergyTable.DEFAULT.joules(Operation.INT8_MAC, macs) / tokens) + ".");
    common.out.println("  Memory traffic is left out.");
    common.out.println();
    common.out.println("Go on with:");
    common.out.println("  spikellm generate " + Shell.quoted(target) + " --prompt \"The old king\" --step-by-step");
    common.out.println("  spikellm evaluate " + Shell.quoted(source) + " " + Shell.quoted(target) + " --text FILE");
    common.out.println("  spikellm inspect " + Shell.quoted(target) + " --layers");
    common.out.println("  spikellm cost " + Shell.quoted(target));
    common.out.println("  spikellm quantize MODEL OUT --steps 4 --salient 0.05");
  }

  private static void row(Table table, String name, Demonstration.Figures a, Demonstration.Figures b,
      Function<Demonstration.Figures, String> value) {
    table.row(name, value.apply(a), value.apply(b));
  }

  private static String number(String format, double value) {
    return String.format(Locale.ROOT, format, value);
  }

  private static String micro(double joules) {
    return number("%.2f µJ", joules * 1e6);
  }

  private static Map<String, Object> json(Demonstration.Figures figures) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", figures.continuation().text());
    map.put("perplexity", figures.perplexity().value());
    map.put("bits_per_weight", figures.bitsPerWeight());
    map.put("bytes", figures.bytes());
    map.put("tokens_per_second", figures.continuation().tokensPerSecond());
    map.put("prompt_tokens_per_second", figures.promptTokensPerSecond());
    map.put("spikes", figures.cost().total().spikes());
    map.put("firing_rate", figures.cost().total().firingRate());
    map.put("accumulates", figures.cost().total().accumulates());
    map.put("energy_joules", figures.cost().total().joules(EnergyTable.DEFAULT));
    map.put("tokens", figures.tokens());
    return map;
  }

  private void say(String line) {
    if (!common.json) {
      common.out.println(line);
    }
  }

  private static Path cache() {
    String xdg = System.getenv("XDG_CACHE_HOME");
    return (xdg != null && !xdg.isBlank() ? Path.of(xdg) : Path.of(System.getProperty("user.home"), ".cache")).resolve("spikellm");
  }

  /** Whether a directory has a spiking model that was made of the embedded one as the demo does it, or lies where a demo puts its own. */
  private boolean isDemo(Path target, Registry registry) throws IOException {
    Path config = target.resolve("config.json");
    return Files.exists(config) && Json.readObject(config).get("quantization_config") instanceof Map<?, ?> made
        && "spikellm".equals(made.get("quant_method"))
        && (out == null || made.get("source") instanceof Map<?, ?> source
            && Demonstration.sourceHash(registry).equals(source.get("sha256")) && Demonstration.isDescribedBy(made));
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }

  /** Removes an earlier demo's model, and nothing else: a directory that is not one is refused. */
  private void clear(Path target, Registry registry) throws IOException {
    if (!Files.exists(target)) {
      try {
        Files.createDirectories(target.toAbsolutePath().getParent());
      } catch (IOException e) {
        throw new CheckpointException(target + ": the demo's model cannot be written there (" + OutputPlace.reason(e)
            + "); choose another --out", e);
      }
      return;
    }
    if (!Files.isDirectory(target) || (!isEmpty(target) && !isDemo(target, registry))) {
      throw new CheckpointException(target + ": expected an earlier demo's model or nothing; choose another --out");
    }
    try (Stream<Path> files = Files.list(target)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(target);
  }
}
