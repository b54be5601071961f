package org.spikellm.launcher.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.spikellm.model.Json;

/**
 * The merge rules that a vocabulary implies. Other formats store no rules: whichever neighbours join into the best-ranked piece
 * are joined first. A tokenizer.json lists pairs, so every way to cut a piece into two other pieces becomes a pair, in the order
 * of the pieces' ranks.
 */
final class BytePairs {

  private record Merge(int rank, int left, int right, List<String> pair) {
  }

  /** Characters of a piece at most; of a longer one all cuts would take too long, and no vocabulary has such. */
  static final int MOST_CHARACTERS = 1 << 12;

  private BytePairs() {}

  /** @param ranks what can be joined or be the result of it; the lowest rank is joined first. Ties are kept stable. */
  static List<List<String>> merges(Map<String, Integer> ranks) {
    List<Merge> merges = new ArrayList<>();
    ranks.forEach((piece, rank) -> {
      for (int cut = piece.offsetByCodePoints(0, 1); cut < piece.length(); cut = piece.offsetByCodePoints(cut, 1)) {
        String head = piece.substring(0, cut);
        Integer left = ranks.get(head);
        Integer right = left == null ? null : ranks.get(piece.substring(cut));
        if (right != null) {
          merges.add(new Merge(rank, left, right, List.of(head, piece.substring(cut))));
        }
      }
    });
    merges.sort(Comparator.comparingInt(Merge::rank).thenComparingInt(Merge::left).thenComparingInt(Merge::right));
    return merges.stream().map(Merge::pair).toList();
  }

  /** The parts that every tokenizer.json has. */
  static String json(List<AddedToken> added, Object normalizer, Object preTokenizer, Object decoder, Map<String, Object> model) {
    Map<String, Object> root = new LinkedHashMap<>();
    root.put("version", "1.0");
    root.put("truncation", null);
    root.put("padding", null);
    root.put("added_tokens", added.stream().map(BytePairs::addedToken).toList());
    root.put("normalizer", normalizer);
    root.put("pre_tokenizer", preTokenizer);
    root.put("post_processor", null);
    root.put("decoder", decoder);
    root.put("model", model);
    return Json.write(root);
  }

  private static Map<String, Object> addedToken(AddedToken token) {
    return Map.of("id", token.id(), "content", token.text(), "special", token.special(),
        "single_word", false, "lstrip", false, "rstrip", false, "normalized", false);
  }
}
