package org.spikellm.launcher.text;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.spikellm.model.CheckpointException;

/**
 * Text to token ids and back, as the checkpoint's tokenizer.json or tokenizer.model says. May be used by several threads at once;
 * close it when none uses it any more.
 */
public final class Tokenizer implements AutoCloseable {

  private static final int REPLACEMENT = '\uFFFD';

  private final TokenizerDefinition definition;
  private final HuggingFaceTokenizer library;
  private final Map<String, Integer> added = new HashMap<>();
  private final Map<Integer, String> texts = new HashMap<>();
  private final Set<Integer> special = new HashSet<>();
  private final SpecialTokens ends;
  /** A token that is text wherever it stands; what follows it is decoded as it is in the middle of a text. */
  private final int anchor;
  private final int anchorLength;

  private Tokenizer(TokenizerDefinition definition, SpecialTokens given, HuggingFaceTokenizer library) {
    this.definition = definition;
    this.library = library;
    for (AddedToken token : definition.added()) {
      added.put(token.text(), token.id());
      texts.put(token.id(), token.text());
      if (token.special()) {
        special.add(token.id());
      }
    }
    this.ends = given;
    int[] letter = encode("a", false);
    this.anchor = letter.length == 0 ? 0 : letter[letter.length - 1];
    this.anchorLength = library.decode(new long[] {anchor}, true).length();
  }

  /**
   * Opens a checkpoint's tokenizer: tokenizer.json, or tokenizer.model where there is no other (a SentencePiece byte-pair model,
   * or Llama 3's ranks). The tokens that open and end a text come from tokenizer_config.json, special_tokens_map.json,
   * generation_config.json and config.json beside it.
   *
   * @throws CheckpointException where there is none, or it cannot be used
   */
  public static Tokenizer open(Path modelDirectory) throws IOException {
    TokenizerDefinition definition = TokenizerDefinition.read(modelDirectory);
    Map<String, Integer> added = new HashMap<>();
    definition.added().forEach(token -> added.put(token.text(), token.id()));
    SpecialTokens ends = SpecialTokens.read(modelDirectory, added);
    HuggingFaceTokenizer library = TokenizersLibrary.open(definition);
    try {
      return new Tokenizer(definition, ends, library);
    } catch (UncheckedIOException e) {
      library.close();
      throw e.getCause();
    }
  }

  /**
   * The ids of a text. Special tokens that are written out in it, such as {@code </s>}, become the tokens that they name. Halves
   * of surrogate pairs are read as U+FFFD.
   *
   * @param addBos put the token that opens a text first, where the checkpoint names one
   * @throws UncheckedIOException where the tokenizer has no token for some of the text, not even an unknown one
   */
  public int[] encode(String text, boolean addBos) {
    long[] ids;
    try {
      ids = library.encode(wellFormed(text)).getIds();
    } catch (RuntimeException e) {
      throw new UncheckedIOException(new CheckpointException(definition.file() + ": cannot encode this text ("
          + ModelFile.message(e) + "); use the tokenizer that came with the checkpoint", e));
    }
    int start = addBos && ends.begin().isPresent() ? 1 : 0;
    int[] out = new int[start + ids.length];
    if (start == 1) {
      out[0] = ends.begin().getAsInt();
    }
    for (int i = 0; i < ids.length; i++) {
      out[start + i] = (int) ids[i];
    }
    return out;
  }

  /** The text of ids, without the special ones. Bytes that make no character become U+FFFD. Unknown ids are passed over. */
  public String decode(int... ids) {
    long[] shown = new long[ids.length];
    int count = 0;
    for (int id : ids) {
      if (!isSpecial(id)) {
        shown[count++] = id;
      }
    }
    String text = library.decode(Arrays.copyOf(shown, count), true);
    if (text.indexOf(REPLACEMENT) < 0) {
      return text;
    }
    // The library gives up a whole run of bytes when one of them is wrong; the stream saves the characters in it.
    TokenStream stream = stream();
    StringBuilder out = new StringBuilder();
    for (int id : ids) {
      out.append(stream.accept(id));
    }
    return out.append(stream.flush()).toString();
  }

  /** A decoder that takes one id after the other, as if it had seen the given ones before: it goes on from a prompt. */
  public TokenStream stream(int... before) {
    TokenStream stream = new TokenStream(this);
    for (int id : before) {
      stream.accept(id);
    }
    return stream;
  }

  /** The library's text of a few ids, at the start of a text or in the middle of one. */
  String piece(boolean start, int[] ids, int count) {
    long[] all = new long[start ? count : count + 1];
    all[0] = anchor;
    for (int i = 0; i < count; i++) {
      all[all.length - count + i] = ids[i];
    }
    String text = library.decode(all, true);
    return start ? text : text.substring(Math.min(anchorLength, text.length()));
  }

  /** One more than the largest id. The model's vocabulary may be larger (padded), never smaller. */
  public int vocabularySize() {
    return definition.size();
  }

  /** The token that opens a text, where the checkpoint names one. */
  public OptionalInt bos() {
    return ends.begin();
  }

  /** The tokens that end an answer; more than one in some chat models, none where the checkpoint names none. */
  public Set<Integer> eos() {
    return ends.end();
  }

  /** Whether this checkpoint's texts begin with {@link #bos()}. */
  public boolean addsBos() {
    if (ends.addsBegin() != null || ends.begin().isEmpty()) {
      return ends.begin().isPresent() && ends.addsBegin();
    }
    long[] ids = library.encode("", true, false).getIds();
    boolean model = definition.file().getFileName().toString().equals("tokenizer.model");
    return model || ids.length > 0 && ids[0] == ends.begin().getAsInt();
  }

  /** How the tokenizer's own end token is written (eos_token); empty where it names none. */
  String eosText() {
    return ends.endText();
  }

  /** The id of a token that is found in text before it is split, as special tokens are. */
  public OptionalInt id(String token) {
    return added.containsKey(token) ? OptionalInt.of(added.get(token)) : OptionalInt.empty();
  }

  /** How such a token is written; empty for every other id. */
  public String text(int id) {
    return texts.getOrDefault(id, "");
  }

  /** Whether an id steers the model rather than being text: it is not shown when decoded. */
  public boolean isSpecial(int id) {
    return special.contains(id);
  }

  /**
   * Refuses a tokenizer that can name tokens that a model does not have.
   *
   * @param vocabulary the rows of the model's embedding, config.json's vocab_size
   */
  public void requireFits(int vocabulary) throws CheckpointException {
    if (vocabularySize() > vocabulary) {
      throw new CheckpointException(definition.file() + ": does not fit the model: it has token ids up to "
          + (vocabularySize() - 1) + ", expected below " + vocabulary + " (vocab_size in config.json); "
          + "use the tokenizer that came with the checkpoint");
    }
    for (int id : ends.end()) {
      requireToken(id, vocabulary, "eos_token_id");
    }
    if (ends.begin().isPresent()) {
      requireToken(ends.begin().getAsInt(), vocabulary, "bos_token_id");
    }
  }

  private void requireToken(int id, int vocabulary, String name) throws CheckpointException {
    if (id < 0 || id >= vocabulary) {
      throw new CheckpointException(definition.file().resolveSibling("config.json") + ": " + name + " is " + id
          + ", expected 0 to " + (vocabulary - 1) + " (vocab_size); correct it here or in generation_config.json");
    }
  }

  @Override
  public void close() {
    library.close();
  }

  private static String wellFormed(String text) {
    StringBuilder out = null;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else {
        out = out == null ? new StringBuilder(text) : out;
        out.setCharAt(i, (char) REPLACEMENT);
      }
    }
    return out == null ? text : out.toString();
  }
}
