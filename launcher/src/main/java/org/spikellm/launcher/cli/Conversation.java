package org.spikellm.launcher.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.spikellm.launcher.text.ChatTemplate;
import org.spikellm.launcher.workflow.Generation;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.Sampler;
import org.spikellm.launcher.workflow.SamplingOptions;
import org.spikellm.model.KvCache;

/** What was said, and the cache of the model that said it; another model reads all of it again. */
final class Conversation {

  /** Positions that the cache begins with; it grows with the conversation: memory may not hold a model's limit. */
  private static final int CACHE = 2048;

  private final Path directory;
  private final SamplingOptions options;
  private final Sampler sampler;
  private final List<ChatTemplate.Message> messages = new ArrayList<>();
  private LoadedModel model;
  private ChatTemplate template;
  private KvCache cache;
  /** The ids whose keys and values the cache holds. */
  private int[] cached = new int[0];
  /** The ids of all that was said, up to where the answer begins. */
  private int[] ids = new int[0];
  private boolean asked;

  /** @param system what the assistant is told first, or null */
  Conversation(Path directory, SamplingOptions options, String system) {
    this.directory = directory;
    this.options = options;
    this.sampler = new Sampler(options);
    if (system != null) {
      messages.add(new ChatTemplate.Message("system", system));
    }
  }

  /**
   * Adds what the user said.
   *
   * @return how many tokens the conversation has
   */
  int ask(LoadedModel model, String line) throws IOException {
    if (model != this.model) {
      this.model = model;
      template = ChatTemplate.open(directory, model.tokenizer());
      cache = model.decoder().newCache(Math.min(model.decoder().config().contextLength(), CACHE));
      cached = new int[0];
    }
    messages.add(new ChatTemplate.Message("user", line));
    asked = true;
    ids = template.encode(messages, true);
    return ids.length;
  }

  /** Answers; the text streams to {@code sink} as it is made. */
  Generation answer(Consumer<String> sink) {
    int limit = model.decoder().config().contextLength();
    int needed = (int) Math.min(limit, (long) ids.length + options.maxTokens());
    if (needed > cache.capacity()) {
      cache = model.decoder().newCache((int) Math.min(limit, 2L * needed));
      cached = new int[0];
    }
    int shared = Math.min(commonPrefix(cached, ids), ids.length - 1);
    cache.truncate(shared);
    Generation answer = Generation.run(model, Arrays.copyOfRange(ids, shared, ids.length), ids, cache, options, sampler, sink);
    messages.add(new ChatTemplate.Message("assistant", answer.text()));
    asked = false;
    cached = Arrays.copyOf(ids, ids.length + answer.tokens().length);
    System.arraycopy(answer.tokens(), 0, cached, ids.length, answer.tokens().length);
    cached = Arrays.copyOf(cached, cache.length());
    return answer;
  }

  /** Forgets what was asked and could not be answered, and the model that could not. */
  void takeBack() {
    if (asked) {
      messages.removeLast();
      asked = false;
    }
    model = null;
    template = null;
    cache = null;
  }

  private static int commonPrefix(int[] a, int[] b) {
    int mismatch = Arrays.mismatch(a, b);
    return mismatch < 0 ? a.length : mismatch;
  }
}
