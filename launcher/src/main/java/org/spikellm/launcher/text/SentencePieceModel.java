package org.spikellm.launcher.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.spikellm.model.CheckpointException;

/**
 * A SentencePiece byte-pair model (the protobuf message ModelProto of sentencepiece_model.proto).
 *
 * @param pieces by id
 * @param spacePrefix a text is read as if a space stood before it
 * @param trimsSpaces spaces at both ends are dropped, and several become one
 */
record SentencePieceModel(Path file, List<Piece> pieces, boolean byteFallback, boolean spacePrefix, boolean trimsSpaces) {

  /** SentencePiece's sign for a space, U+2581. */
  private static final String SPACE = "\u2581";
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;

  private static final List<String> ALGORITHMS = List.of("?", "unigram", "bpe", "word", "char");

  record Piece(String text, float score, int type) {
  }

  static SentencePieceModel parse(Path file, byte[] bytes) throws CheckpointException {
    List<Piece> pieces = new ArrayList<>();
    List<ProtobufField> trainer = List.of();
    List<ProtobufField> normalizer = List.of();
    try {
      for (ProtobufField field : ProtobufField.all(bytes)) {
        switch (field.number()) {
          case 1 -> pieces.add(piece(ProtobufField.all(field.bytes())));
          case 2 -> trainer = ProtobufField.all(field.bytes());
          case 3 -> normalizer = ProtobufField.all(field.bytes());
          default -> { }      // self-test data and extensions
        }
      }
    } catch (IllegalArgumentException e) {
      throw new CheckpointException(file + ": not a SentencePiece model, or truncated (" + e.getMessage()
          + "); download the file again, or use the checkpoint's tokenizer.json", e);
    }
    refuseOthers(file, pieces, trainer, normalizer);
    return new SentencePieceModel(file, List.copyOf(pieces), ProtobufField.flag(trainer, 35, false),
        ProtobufField.flag(normalizer, 3, true), ProtobufField.flag(normalizer, 4, true));
  }

  private static Piece piece(List<ProtobufField> fields) {
    String text = "";
    float score = 0;
    int type = NORMAL;
    for (ProtobufField field : fields) {
      switch (field.number()) {
        case 1 -> text = field.text();
        case 2 -> score = field.real();
        case 3 -> type = (int) field.varint();
        default -> { }
      }
    }
    return new Piece(text, score, type);
  }

  private static void refuseOthers(Path file, List<Piece> pieces, List<ProtobufField> trainer, List<ProtobufField> normalizer)
      throws CheckpointException {
    if (pieces.isEmpty()) {
      throw new CheckpointException(file + ": not a SentencePiece model: it holds no pieces; download the file again, "
          + "or use the checkpoint's tokenizer.json");
    }
    Set<String> seen = new HashSet<>();
    for (Piece piece : pieces) {
      if (piece.text().isEmpty() || !seen.add(piece.text())) {
        throw new CheckpointException(file + ": damaged SentencePiece model: the piece '" + piece.text()
            + "' is empty or occurs twice; download the file again");
      }
      if (piece.text().length() > BytePairs.MOST_CHARACTERS) {
        throw new CheckpointException(file + ": damaged SentencePiece model: expected pieces of at most " + BytePairs.MOST_CHARACTERS
            + " characters, found one of " + piece.text().length() + "; download the file again");
      }
    }
    int algorithm = (int) ProtobufField.number(trainer, 3, 1);
    String other = algorithm != 2 ? "algorithm " + ALGORITHMS.get(algorithm < 0 || algorithm > 4 ? 0 : algorithm)
        : ProtobufField.length(normalizer, 2) > 0 ? "a table of character substitutions"
        : !ProtobufField.flag(normalizer, 5, true) ? "unescaped spaces"
        : ProtobufField.flag(trainer, 24, false) ? "spaces at the end of pieces" : "";
    if (!other.isEmpty()) {
      throw new CheckpointException(file + ": SentencePiece model with " + other
          + ", expected byte pairs (bpe) over unchanged text as LLaMA has; use the checkpoint's tokenizer.json");
    }
  }

  /** @param declared tokens that the files beside it add */
  TokenizerDefinition definition(List<AddedToken> declared) throws CheckpointException {
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < pieces.size(); id++) {
      int type = pieces.get(id).type();
      if (type == UNKNOWN || type == CONTROL || type == USER_DEFINED) {
        added.add(new AddedToken(id, pieces.get(id).text(), type != USER_DEFINED));
      }
    }
    int size = pieces.size();
    for (AddedToken token : declared.stream().sorted(Comparator.comparingInt(AddedToken::id)).toList()) {
      if (token.id() > size) {
        throw new CheckpointException(file + ": has " + pieces.size() + " pieces, and the files beside it add '" + token.text()
            + "' as " + token.id() + ", expected " + size + "; use the checkpoint's tokenizer.json");
      } else if (token.id() == size) {
        added.add(token);
        size++;
      }
    }
    String json = BytePairs.json(added, normalizer(), null, decoder(), model());
    return new TokenizerDefinition(file, json, size, List.copyOf(added));
  }

  private Map<String, Object> model() {
    Map<String, Integer> ids = new LinkedHashMap<>();
    Map<String, Integer> ranks = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.put(pieces.get(id).text(), id);
    }
    // The best score is joined first; equal scores in the order of their ids.
    int[] byScore = IntStream.range(0, pieces.size()).boxed()
        .sorted(Comparator.comparingDouble((Integer id) -> -pieces.get(id).score()).thenComparingInt(id -> id))
        .mapToInt(Integer::intValue).toArray();
    for (int rank = 0; rank < byScore.length; rank++) {
      Piece piece = pieces.get(byScore[rank]);
      if (piece.type() == NORMAL || piece.type() == USER_DEFINED) {
        ranks.put(piece.text(), rank);
      }
    }
    String unknown = pieces.stream().filter(piece -> piece.type() == UNKNOWN).findFirst().map(Piece::text).orElse(null);
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("type", "BPE");
    model.put("unk_token", unknown);
    model.put("fuse_unk", true);
    model.put("byte_fallback", byteFallback);
    model.put("vocab", ids);
    model.put("merges", BytePairs.merges(ranks));
    return model;
  }

  private Map<String, Object> normalizer() {
    List<Map<String, Object>> steps = new ArrayList<>();
    if (trimsSpaces) {
      steps.add(replace(Map.of("Regex", "\\A +"), ""));
      steps.add(replace(Map.of("Regex", " {2,}"), " "));
    }
    steps.add(replace(Map.of("String", " "), SPACE));
    if (trimsSpaces) {
      steps.add(replace(Map.of("Regex", SPACE + "+\\z"), ""));      // at the end SentencePiece drops a written-out sign, too
    }
    if (spacePrefix) {
      steps.add(Map.of("type", "Prepend", "prepend", SPACE));
    }
    return Map.of("type", "Sequence", "normalizers", steps);
  }

  private Map<String, Object> decoder() {
    List<Map<String, Object>> steps = new ArrayList<>();
    steps.add(replace(Map.of("String", SPACE), " "));
    steps.add(Map.of("type", "ByteFallback"));
    steps.add(Map.of("type", "Fuse"));
    if (spacePrefix) {
      steps.add(Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0));
    }
    return Map.of("type", "Sequence", "decoders", steps);
  }

  private static Map<String, Object> replace(Map<String, Object> pattern, String by) {
    return Map.of("type", "Replace", "pattern", pattern, "content", by);
  }
}
