package org.spikellm.launcher.text;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.spikellm.model.CheckpointException;

/**
 * Llama 3's original tokenizer.model: lines of a token's bytes in base64 and its rank (the format of tiktoken). Neither the
 * expression that splits a text into words nor the special tokens are in the file; they are those of Llama 3, which is told by
 * its 128,000 ranks.
 *
 * @param tokens by rank; each byte is a character of GPT-2's table
 */
record RankFile(Path file, List<String> tokens) {

  private static final int LLAMA_3 = 128_000;
  private static final int LLAMA_3_SPECIAL = 256;
  /** Llama 3 splits a text by this expression: contractions, words, up to three digits, other signs, line ends, spaces. */
  private static final String WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
      + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final Map<Integer, String> NAMES = Map.of(0, "<|begin_of_text|>", 1, "<|end_of_text|>",
      6, "<|start_header_id|>", 7, "<|end_header_id|>", 9, "<|eot_id|>");
  private static final Pattern FIRST_LINE = Pattern.compile("[A-Za-z0-9+/]+={0,2} \\d+\\r?\\n", Pattern.UNICODE_CASE);

  static boolean looksLikeOne(byte[] bytes) {
    return FIRST_LINE.matcher(new String(bytes, 0, Math.min(bytes.length, 256), StandardCharsets.ISO_8859_1)).lookingAt();
  }

  static RankFile parse(Path file, byte[] bytes) throws CheckpointException {
    List<String> tokens = new ArrayList<>(LLAMA_3);
    for (String line : new String(bytes, StandardCharsets.ISO_8859_1).lines().toList()) {
      int space = line.indexOf(' ');
      try {
        byte[] token = Base64.getDecoder().decode(line.substring(0, Math.max(space, 0)));
        if (token.length == 0 || token.length > BytePairs.MOST_CHARACTERS || Integer.parseInt(line.substring(space + 1)) != tokens.size()) {
          throw new IllegalArgumentException("out of order, or too long");
        }
        tokens.add(visible(token));
      } catch (IllegalArgumentException e) {
        throw new CheckpointException(file + ": line " + (tokens.size() + 1) + ": expected a token in base64 and the rank "
            + tokens.size() + ", found '" + line.substring(0, Math.min(40, line.length())) + "'; download the file again", e);
      }
    }
    if (tokens.size() != LLAMA_3) {
      throw new CheckpointException(file + ": a file of " + tokens.size() + " tiktoken ranks, expected the " + LLAMA_3
          + " of Llama 3 (others split words in ways that the file does not tell), or truncated; "
          + "use the checkpoint's tokenizer.json");
    }
    return new RankFile(file, tokens);
  }

  /** Special tokens that are declared beside the file keep their names; the others have those of Llama 3. */
  TokenizerDefinition definition(List<AddedToken> declared) {
    Map<Integer, AddedToken> special = new LinkedHashMap<>();
    int reserved = 0;
    for (int i = 0; i < LLAMA_3_SPECIAL; i++) {
      String name = NAMES.containsKey(i) ? NAMES.get(i) : "<|reserved_special_token_" + reserved++ + "|>";
      special.put(LLAMA_3 + i, new AddedToken(LLAMA_3 + i, name, true));
    }
    for (AddedToken token : declared) {
      special.replace(token.id(), token);
    }
    List<AddedToken> added = List.copyOf(special.values());

    Map<String, Integer> ranks = HashMap.newHashMap(tokens.size());
    for (String token : tokens) {
      ranks.put(token, ranks.size());
    }
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("ignore_merges", true);     // a whole word that is a token is not split, even where no merges lead to it
    model.put("vocab", ranks);
    model.put("merges", BytePairs.merges(ranks));
    Object preTokenizer = Map.of("type", "Sequence", "pretokenizers", List.of(
        Map.of("type", "Split", "pattern", Map.of("Regex", WORDS), "behavior", "Isolated", "invert", false),
        Map.of("type", "ByteLevel", "add_prefix_space", false, "trim_offsets", true, "use_regex", false)));
    Object decoder = Map.of("type", "ByteLevel", "add_prefix_space", true, "trim_offsets", true, "use_regex", true);
    String json = BytePairs.json(added, null, preTokenizer, decoder, model);
    return new TokenizerDefinition(file, json, LLAMA_3 + LLAMA_3_SPECIAL, added);
  }

  /** GPT-2's table: printable Latin-1 characters stand for themselves, the other bytes for U+0100 and up in order. */
  private static String visible(byte[] token) {
    StringBuilder out = new StringBuilder(token.length);
    for (byte b : token) {
      int value = b & 0xFF;
      int shifted = value <= ' ' ? value : value <= 0xA0 ? value - 0x7F + 33 : 67;
      out.append((char) (printable(value) ? value : 0x100 + shifted));
    }
    return out.toString();
  }

  private static boolean printable(int value) {
    return value > ' ' && value < 0x7F || value > 0xA0 && value != 0xAD;
  }
}
