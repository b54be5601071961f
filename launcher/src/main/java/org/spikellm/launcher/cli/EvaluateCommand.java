package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.registry.Registry;
import org.spikellm.launcher.workflow.Evaluation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.Perplexity;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures models. */
@Command(name = "evaluate", description = "Measure the perplexity of models on texts, side by side.")
final class EvaluateCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Parameters(arity = "1..*", paramLabel = "MODEL", description = "Directories of float or quantized checkpoints.")
  private List<Path> models;

  @Option(names = "--text", paramLabel = "FILE", arity = "1..*", required = true, description = "Texts to measure perplexity on.")
  private List<Path> texts;

  @Option(names = "--sequence", paramLabel = "N", defaultValue = "2048",
      description = "Tokens a window; at most the model's limit. Default: ${DEFAULT-VALUE}.")
  private int sequence;

  @Option(names = "--limit", paramLabel = "N", description = "Most windows of each text. Default: all.")
  private Integer limit;

  @Override
  public Integer call() throws IOException {
    if (sequence < 2) {
      throw common.wrong("--sequence: expected 2 or more, found " + sequence);
    }
    if (limit != null && limit < 1) {
      throw common.wrong("--limit: expected 1 or more, found " + limit);
    }
    Registry registry = common.registry();
    Map<String, Map<String, Perplexity>> results = new LinkedHashMap<>();
    for (Path model : models) {
      try (LoadedModel loaded = LoadedModel.open(model, registry, common.backend, common.threads(), SpikeMode.COLLAPSED)) {
        common.tell(loaded.neurons());
        results.put(model.toString(), Evaluation.perplexity(loaded, texts, sequence, limit == null ? Integer.MAX_VALUE : limit,
            common.progress()));
      }
    }
    if (common.json) {
      Map<String, Object> all = new LinkedHashMap<>();
      results.forEach((model, perplexities) -> all.put(model, json(perplexities)));
      common.printJson(all.size() == 1 ? json(results.values().iterator().next()) : Map.of("models", all));
    } else {
      print(results);
    }
    return 0;
  }

  private void print(Map<String, Map<String, Perplexity>> results) {
    Table table = new Table().row("model", "text", "perplexity", "to the first", "tokens", "windows", "sequence");
    Map<String, Perplexity> first = results.values().iterator().next();
    results.forEach((model, perplexities) -> perplexities.forEach((text, p) -> {
      double change = p.value() / first.get(text).value() - 1;
      table.row(model, text, String.format(Locale.ROOT, "%.4f", p.value()), String.format(Locale.ROOT, "%+.2f %%", 100 * change),
          String.valueOf(p.tokens()), String.valueOf(p.windows()), String.valueOf(p.sequence()));
    }));
    table.print(common.out);
  }

  private static Map<String, Object> json(Map<String, Perplexity> perplexities) {
    Map<String, Object> texts = new LinkedHashMap<>();
    perplexities.forEach((text, p) -> {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("value", p.value());
      one.put("tokens", p.tokens());
      one.put("windows", p.windows());
      one.put("sequence", p.sequence());
      texts.put(text, one);
    });
    return Map.of("perplexity", texts);
  }
}
