package org.spikellm.launcher.text;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which tokens open and end a text, from the files beside the checkpoint.
 *
 * @param begin empty where there is none
 * @param end every token that ends an answer; a chat model may have several
 * @param endText how the tokenizer's own end token is written; empty where it names none
 * @param addsBegin what the checkpoint says about putting {@code begin} before a text; null where it says nothing
 */
record SpecialTokens(OptionalInt begin, Set<Integer> end, String endText, Boolean addsBegin) {

  /**
   * What the tokenizer's own files name (tokenizer_config.json, or the older special_tokens_map.json) comes before the ids of
   * generation_config.json and config.json, and those before the usual names. An explicit null means that there is none.
   */
  static SpecialTokens read(Path directory, Map<String, Integer> added) throws IOException {
    Map<String, Object> tokenizer = ModelFile.object(directory.resolve("tokenizer_config.json"));
    Map<String, Object> map = ModelFile.object(directory.resolve("special_tokens_map.json"));
    Map<String, Object> generation = ModelFile.object(directory.resolve("generation_config.json"));
    Map<String, Object> config = ModelFile.object(directory.resolve("config.json"));

    OptionalInt begin = OptionalInt.empty();
    if (!tokenizer.containsKey("bos_token") || tokenizer.get("bos_token") != null) {
      Set<Integer> named = named(added, tokenizer.get("bos_token"), map.get("bos_token"));
      Set<Integer> numbered = ids(generation.get("bos_token_id"), config.get("bos_token_id"));
      begin = first(named, numbered, named(added, "<s>", "<|begin_of_text|>"));
    }
    String endText = text(tokenizer.getOrDefault("eos_token", map.get("eos_token")));
    Set<Integer> end = named(added, tokenizer.get("eos_token"), map.get("eos_token"));
    end.addAll(ids(generation.get("eos_token_id"), config.get("eos_token_id")));
    if (end.isEmpty()) {
      end.addAll(named(added, "</s>", "<|end_of_text|>"));
    }
    Boolean adds = tokenizer.get("add_bos_token") instanceof Boolean value ? value : null;
    return new SpecialTokens(begin, Set.copyOf(end), endText, adds);
  }

  @SafeVarargs
  private static OptionalInt first(Set<Integer>... candidates) {
    for (Set<Integer> some : candidates) {
      if (!some.isEmpty()) {
        return OptionalInt.of(some.iterator().next());
      }
    }
    return OptionalInt.empty();
  }

  private static Set<Integer> named(Map<String, Integer> added, Object... tokens) {
    Set<Integer> ids = new TreeSet<>();
    for (Object token : tokens) {
      if (added.containsKey(text(token))) {
        ids.add(added.get(text(token)));
      }
    }
    return ids;
  }

  /** A token is given as text, or as an object that holds it. */
  private static String text(Object token) {
    return (token instanceof Map<?, ?> fields ? fields.get("content") : token) instanceof String text ? text : "";
  }

  private static Set<Integer> ids(Object... values) {
    Set<Integer> ids = new TreeSet<>();
    for (Object value : values) {
      for (Object one : value instanceof List<?> several ? several : List.of(value == null ? "" : value)) {
        if (one instanceof Number number) {
          ids.add(number.intValue());
        }
      }
    }
    return ids;
  }
}
