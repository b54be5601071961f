package org.spikellm.launcher.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.spikellm.launcher.registry.ProviderFailure;
import org.spikellm.launcher.text.ChatTemplate;
import org.spikellm.launcher.workflow.Generation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.model.SpikeMode;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A conversation, a line a turn. */
@Command(name = "chat", description = "Hold a conversation: a line is a turn; an empty line or the end of input ends it.")
final class ChatCommand implements Callable<Integer> {

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
    try (ChatModel live = new ChatModel(model, common, mode)) {
      ChatTemplate template = ChatTemplate.open(model, live.current().tokenizer());
      if (!template.notice().isEmpty()) {
        common.note(template.notice());
      }
      converse(live, new Conversation(model, generation.sampling(common, template.stops()), system));
      return 0;
    }
  }

  private void converse(ChatModel live, Conversation conversation) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    while (true) {
      common.prompt("> ");
      String line = in.readLine();
      if (line == null || line.isBlank()) {
        if (line == null) {
          common.prompt("\n");
        }
        return;
      }
      try {
        LoadedModel loaded = live.current();
        int limit = loaded.decoder().config().contextLength();
        int tokens = conversation.ask(loaded, line);
        if (tokens >= limit) {
          common.note("The conversation has " + tokens + " tokens, the model's limit is " + limit + "; start a new one.");
          return;
        }
        answer(conversation);
      } catch (StandardOutput.Failure e) {
        throw e;
      } catch (ProviderFailure | IOException | UncheckedIOException e) {
        // A plug-in's, which may be replaced while the conversation waits; of a model alone they end it.
        if (common.plugins() == null) {
          throw e;
        }
        conversation.takeBack();
        complain(e.getMessage());
      }
    }
  }

  private void answer(Conversation conversation) {
    Generation answer = conversation.answer(text -> {
      if (!common.json) {
        common.out.print(text);
        common.out.flush();
      }
    });
    if (common.json) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("text", answer.text());
      turn.put("tokens", answer.tokens());
      common.printJson(turn);
    } else {
      common.out.println();
    }
  }

  private void complain(String message) {
    common.err.println("spikellm: " + message);
    if (common.json) {
      common.printJson(Map.of("error", message));
    }
  }
}
