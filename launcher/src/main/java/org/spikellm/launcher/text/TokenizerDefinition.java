package org.spikellm.launcher.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.spikellm.model.CheckpointException;
import org.spikellm.model.Json;

/**
 * A tokenizer as the tokenizers library wants it: the text of a tokenizer.json, read or made from another format.
 *
 * @param file what it was read from
 * @param json the text of a tokenizer.json
 * @param size one more than the largest id
 */
record TokenizerDefinition(Path file, String json, int size, List<AddedToken> added) {

  /** The directory's tokenizer.json, or else its tokenizer.model (SentencePiece, or Llama 3's ranks). */
  static TokenizerDefinition read(Path directory) throws IOException {
    Path json = directory.resolve("tokenizer.json");
    if (Files.exists(json)) {
      return readJson(json);
    }
    Path model = directory.resolve("tokenizer.model");
    if (!Files.exists(model)) {
      throw new CheckpointException(directory + ": no tokenizer: expected tokenizer.json or tokenizer.model beside config.json; "
          + "copy it from where the checkpoint came from");
    }
    byte[] bytes = ModelFile.bytes(model);
    List<AddedToken> declared = declared(directory);
    return RankFile.looksLikeOne(bytes)
        ? RankFile.parse(model, bytes).definition(declared)
        : SentencePieceModel.parse(model, bytes).definition(declared);
  }

  private static TokenizerDefinition readJson(Path file) throws CheckpointException {
    byte[] bytes = ModelFile.bytes(file);
    String text = ModelFile.text(file, bytes);
    Map<String, Object> root = Json.parseObject(bytes, file.toString(), Set.of("merges"));
    int largest = -1;
    if (root.get("model") instanceof Map<?, ?> model && model.get("vocab") instanceof Map<?, ?> vocabulary) {
      for (Object id : vocabulary.values()) {
        largest = Math.max(largest, id(file, id));
      }
    } else if (root.get("model") instanceof Map<?, ?> model && model.get("vocab") instanceof List<?> unigrams) {
      largest = unigrams.size() - 1;
    } else {
      throw new CheckpointException(file + ": expected an object 'model' with a 'vocab'; download the file again");
    }
    List<AddedToken> added = new ArrayList<>();
    if (root.get("added_tokens") instanceof List<?> tokens) {
      for (Object token : tokens) {
        if (!(token instanceof Map<?, ?> fields) || !(fields.get("content") instanceof String content)) {
          throw new CheckpointException(file + ": expected objects with 'id' and 'content' in 'added_tokens', found " + token);
        }
        AddedToken one = new AddedToken(id(file, fields.get("id")), content, Boolean.TRUE.equals(fields.get("special")));
        added.add(one);
        largest = Math.max(largest, one.id());
      }
    }
    return new TokenizerDefinition(file, text, largest + 1, List.copyOf(added));
  }

  private static int id(Path file, Object value) throws CheckpointException {
    if (value instanceof Number number && number.doubleValue() == number.intValue() && number.intValue() >= 0) {
      return number.intValue();
    }
    throw new CheckpointException(file + ": expected token ids from 0 up, found " + value + "; download the file again");
  }

  /** Tokens that are named beside a tokenizer.model: tokenizer_config.json's, and the older added_tokens.json's. */
  private static List<AddedToken> declared(Path directory) throws IOException {
    List<AddedToken> found = new ArrayList<>();
    Path config = directory.resolve("tokenizer_config.json");
    if (ModelFile.object(config).get("added_tokens_decoder") instanceof Map<?, ?> byId) {
      for (Map.Entry<?, ?> entry : byId.entrySet()) {
        if (entry.getValue() instanceof Map<?, ?> fields && fields.get("content") instanceof String content) {
          found.add(new AddedToken(parseId(config, entry.getKey()), content, Boolean.TRUE.equals(fields.get("special"))));
        }
      }
    }
    Path older = directory.resolve("added_tokens.json");
    for (Map.Entry<String, Object> entry : ModelFile.object(older).entrySet()) {
      int id = id(older, entry.getValue());
      if (found.stream().noneMatch(token -> token.id() == id)) {
        found.add(new AddedToken(id, entry.getKey(), true));
      }
    }
    return found;
  }

  private static int parseId(Path file, Object key) throws CheckpointException {
    try {
      return id(file, Integer.valueOf((String) key));
    } catch (NumberFormatException e) {
      throw new CheckpointException(file + ": expected token ids in 'added_tokens_decoder', found '" + key + "'", e);
    }
  }
}
