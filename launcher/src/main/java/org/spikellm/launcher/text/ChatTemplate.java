package org.spikellm.launcher.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.model.CheckpointException;

/** How a conversation is written for a model: by the checkpoint's own template, or plainly where it has none. */
public sealed interface ChatTemplate {

  /** @param role system, user or assistant */
  record Message(String role, String content) {
  }

  /**
   * The template in chat_template.jinja, or else in tokenizer_config.json (as "chat_template"; of several the one called
   * "default"), or else {@link Plain}.
   */
  static ChatTemplate open(Path modelDirectory, Tokenizer tokenizer) throws IOException {
    Path own = modelDirectory.resolve("chat_template.jinja");
    Path config = modelDirectory.resolve("tokenizer_config.json");
    if (Files.exists(own)) {
      return new OfCheckpoint(own, ModelFile.text(own), tokenizer);
    }
    return switch (ModelFile.object(config).get("chat_template")) {
      case null -> new Plain(tokenizer);
      case String source -> new OfCheckpoint(config, source, tokenizer);
      case List<?> named -> new OfCheckpoint(config, byName(config, named), tokenizer);
      case Object other -> throw new CheckpointException(config + ": expected text or a list in 'chat_template', found " + other);
    };
  }

  private static String byName(Path file, List<?> named) throws CheckpointException {
    for (Object one : named) {
      if (one instanceof Map<?, ?> fields && "default".equals(fields.get("name"))
          && fields.get("template") instanceof String text) {
        return text;
      }
    }
    throw new CheckpointException(file + ": 'chat_template' lists no template called 'default'; name one of them so");
  }

  /**
   * The conversation as text.
   *
   * @param forAnswer end with what opens the assistant's turn
   * @throws CheckpointException where the template cannot be used, or refuses the conversation
   */
  String render(List<Message> messages, boolean forAnswer) throws CheckpointException;

  /** {@link #render} as ids. A checkpoint's template writes the token that opens a text by itself, or does without. */
  int[] encode(List<Message> messages, boolean forAnswer) throws CheckpointException;

  /** Texts that end an answer, beside the tokenizer's own end tokens. */
  List<String> stops();

  /** Something that the user should know about how the conversation is written; empty where all is as it should be. */
  String notice();

  /** A Jinja template, in the dialect that Hugging Face's transformers renders. */
  record OfCheckpoint(Path file, String source, Tokenizer tokenizer) implements ChatTemplate {

    @Override
    public String render(List<Message> messages, boolean forAnswer) throws CheckpointException {
      Map<String, Object> variables = new HashMap<>();
      variables.put("messages", messages.stream()
          .map(message -> Map.of("role", message.role(), "content", message.content())).toList());
      variables.put("add_generation_prompt", forAnswer);
      variables.put("bos_token", tokenizer.bos().isPresent() ? tokenizer.text(tokenizer.bos().getAsInt()) : "");
      variables.put("eos_token", tokenizer.eosText());
      return JinjaTemplate.render(file, source, variables);
    }

    @Override
    public int[] encode(List<Message> messages, boolean forAnswer) throws CheckpointException {
      return tokenizer.encode(render(messages, forAnswer), false);
    }

    @Override
    public List<String> stops() {
      return List.of();
    }

    @Override
    public String notice() {
      return "";
    }
  }

  /** A line for each turn, for models that were never taught to chat. */
  record Plain(Tokenizer tokenizer) implements ChatTemplate {

    @Override
    public String render(List<Message> messages, boolean forAnswer) {
      StringBuilder out = new StringBuilder();
      for (Message message : messages) {
        String name = switch (message.role()) {
          case "user" -> "User: ";
          case "assistant" -> "Assistant: ";
          default -> "";
        };
        out.append(name).append(message.content().strip()).append('\n');
      }
      return out.append(forAnswer ? "Assistant:" : "").toString();
    }

    @Override
    public int[] encode(List<Message> messages, boolean forAnswer) {
      return tokenizer.encode(render(messages, forAnswer), tokenizer.addsBos());
    }

    @Override
    public List<String> stops() {
      return List.of("\nUser:");
    }

    @Override
    public String notice() {
      return "the checkpoint has no chat template (chat_template.jinja, or 'chat_template' in tokenizer_config.json): "
          + "turns are written as plain 'User:' and 'Assistant:' lines";
    }
  }
}
