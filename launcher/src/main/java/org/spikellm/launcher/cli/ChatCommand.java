package org.spikellm.launcher.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.text.ChatTemplate;
import org.spikellm.launcher.workflow.Generation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.SamplingOptions;
import org.spikellm.model.KvCache;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A conversation, a line a turn. */
@Command(name = "chat", description = "Hold a conversation: a line is a turn; an empty line or the end of input ends it.")
final class ChatCommand implements Callable<Integer> {

  /** Positions that the cache begins with; it grows with the conversation: memory may not hold a model's limit. */
  private static final int CACHE = 2048;

  @Mixin
  private CommonOptions common;

  @Mixin
  private GenerationOptions generation;

  @Parameters(index = "0", paramLabel = "MODEL", description = "Directory of a float or quantized checkpoint.")
  private Path model;

  @Option(names = "--system", paramLabel = "TEXT", description = "What the assistant is told first.")
  private String system;

  @Override
  public Integer call() throws IOException {
    generation.sampling(common, List.of());
    SpikeMode mode = generation.stepByStep ? SpikeMode.STEP_BY_STEP : SpikeMode.COLLAPSED;
    try (LoadedModel loaded = LoadedModel.open(model, common.registry(), common.backend, common.threads(), mode)) {
      ChatTemplate template = ChatTemplate.open(model, loaded.tokenizer());
      if (!template.notice().isEmpty()) {
        common.note(template.notice());
      }
      converse(loaded, template, generation.sampling(common, template.stops()));
      return 0;
    }
  }

  private void converse(LoadedModel loaded, ChatTemplate template, SamplingOptions options) throws IOException {
    List<ChatTemplate.Message> messages = new ArrayList<>();
    if (system != null) {
      messages.add(new ChatTemplate.Message("system", system));
    }
    int limit = loaded.decoder().config().contextLength();
    KvCache cache = loaded.decoder().newCache(Math.min(limit, CACHE));
    int[] cached = new int[0];
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    while (true) {
      common.prompt("> ");
      String line = in.readLine();
      if (line == null || line.isBlank()) {
        return;
      }
      messages.add(new ChatTemplate.Message("user", line));
      int[] ids = template.encode(messages, true);
      if (ids.length >= limit) {
        common.note("The conversation has " + ids.length + " tokens, the model's limit is " + limit + "; start a new one.");
        return;
      }
      int needed = (int) Math.min(limit, (long) ids.length + options.maxTokens());
      if (needed > cache.capacity()) {
        cache = loaded.decoder().newCache((int) Math.min(limit, 2L * needed));
        cached = new int[0];
      }
      int shared = Math.min(commonPrefix(cached, ids), ids.length - 1);
      cache.truncate(shared);
      Generation answer = Generation.run(loaded, Arrays.copyOfRange(ids, shared, ids.length), ids, cache, options, text -> {
        if (!common.json) {
          common.out.print(text);
          common.out.flush();
        }
      });
      messages.add(new ChatTemplate.Message("assistant", answer.text()));
      cached = Arrays.copyOf(ids, ids.length + answer.tokens().length);
      System.arraycopy(answer.tokens(), 0, cached, ids.length, answer.tokens().length);
      cached = Arrays.copyOf(cached, cache.length());
      if (common.json) {
        Map<String, Object> turn = new LinkedHashMap<>();
        turn.put("text", answer.text());
        turn.put("tokens", answer.tokens());
        common.printJson(turn);
      } else {
        common.out.println();
      }
    }
  }

  private static int commonPrefix(int[] a, int[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }
}
