package org.spikellm.launcher.text;

import java.nio.file.Path;
import java.util.List;
import org.spikellm.launcher.text.ChatTemplate.Message;

/** Run by {@link ModulePathTest} in a JVM of its own. */
public final class StartProbe {

  private StartProbe() {}

  /** @param arguments a checkpoint's directory, and "chat" to render a template as well */
  public static void main(String[] arguments) throws Exception {
    try (Tokenizer tokenizer = Tokenizer.open(Path.of(arguments[0]))) {
      System.out.println(tokenizer.decode(tokenizer.encode("Once upon a 🦙", true)));
      if (arguments.length > 1) {
        ChatTemplate template = new ChatTemplate.OfCheckpoint(Path.of("template"),
            "{% for turn in messages %}{{ bos_token + turn.content.strip() | upper }}{% endfor %}"
            + " [{{ [messages[0].role] | tojson }}]", tokenizer);
        System.out.println(template.render(List.of(new Message("user", " hi ")), true));
      }
    }
  }
}
