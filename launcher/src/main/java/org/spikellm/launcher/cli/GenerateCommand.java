package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.workflow.Generation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.Sampler;
import org.spikellm.launcher.workflow.SamplingOptions;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.KvCache;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Continues a prompt. */
@Command(name = "generate", description = "Continue a prompt.")
final class GenerateCommand implements Callable<Integer> {

  @Mixin
  private CommonOptions common;

  @Mixin
  private GenerationOptions generation;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of a float or quantized checkpoint.")
  private Path model;

  @Option(names = "--prompt", paramLabel = "TEXT", required = true, description = "What to continue.")
  private String prompt;

  @Override
  public Integer call() throws IOException {
    SamplingOptions options = generation.sampling(common, List.of());
    SpikeMode mode = generation.stepByStep ? SpikeMode.STEP_BY_STEP : SpikeMode.COLLAPSED;
    try (LoadedModel loaded = LoadedModel.open(model, common.registry(), common.backend, common.threads(), mode)) {
      common.tell(loaded.neurons());
      int[] ids = loaded.tokenizer().encode(prompt, loaded.tokenizer().addsBos());
      int limit = loaded.decoder().config().contextLength();
      if (ids.length == 0) {
        throw new CheckpointException("--prompt: expected text, found none, and the model has no token that opens a text");
      }
      if (ids.length >= limit) {
        throw new CheckpointException("--prompt: expected at most " + (limit - 1) + " tokens, the model's limit less one, found "
            + ids.length + "; shorten it");
      }
      KvCache cache = loaded.decoder().newCache((int) Math.min(limit, (long) ids.length + options.maxTokens()));
      if (!common.json) {
        common.out.print(prompt);
      }
      Generation result = Generation.run(loaded, ids, ids, cache, options, new Sampler(options), text -> {
        if (!common.json) {
          common.out.print(text);
          common.out.flush();
        }
      });
      if (common.json) {
        common.printJson(json(result));
      } else {
        common.out.println();
        int count = result.tokens().length;
        common.note(String.format(Locale.ROOT, "[%d %s; prompt %d tokens, %.1f a second]", count,
            count < 2 ? count == 1 ? "token" : "tokens" : String.format(Locale.ROOT, "tokens, %.1f a second", result.tokensPerSecond()),
            result.promptTokens(), result.promptTokensPerSecond()));
        if (count < options.maxTokens() && ids.length + count > limit) {
          common.note("It ends at the model's limit of " + limit + " tokens.");
        }
      }
      return 0;
    }
  }

  private static Map<String, Object> json(Generation result) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("text", result.text());
    map.put("tokens", result.tokens());
    map.put("prompt_tokens", result.promptTokens());
    map.put("generated_tokens", result.tokens().length);
    map.put("prompt_tokens_per_second", result.promptTokensPerSecond());
    map.put("tokens_per_second", result.tokensPerSecond());
    return map;
  }
}
