package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SamplerTest {

  /** Natural logarithms of 0.4, 0.3, 0.2, 0.1, in another order, and a constant more. */
  private static final double[] PROBABILITIES = {0.2, 0.4, 0.1, 0.3};

  private static SamplingOptions options(double temperature, int topK, double topP, double minP, double penalty, long seed) {
    return new SamplingOptions(temperature, topK, topP, minP, penalty, seed, 1, List.of());
  }

  private static float[] logits() {
    float[] logits = new float[PROBABILITIES.length];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) (Math.log(PROBABILITIES[i]) + 1);
    }
    return logits;
  }

  private static int[] drawn(SamplingOptions options, int count) {
    Sampler sampler = new Sampler(options);
    int[] times = new int[PROBABILITIES.length];
    for (int i = 0; i < count; i++) {
      times[sampler.next(logits(), new BitSet())]++;
    }
    return times;
  }

  private static Set<Integer> kept(SamplingOptions options) {
    int[] times = drawn(options, 300);
    Set<Integer> kept = new TreeSet<>();
    for (int i = 0; i < times.length; i++) {
      if (times[i] > 0) {
        kept.add(i);
      }
    }
    return kept;
  }

  @Test
  void tokensAreDrawnAsOftenAsTheyAreLikely() {
    for (double temperature : new double[] {1, 0.5, 2}) {
      int[] times = drawn(options(temperature, 0, 1, 0, 1, 3), 20_000);
      double sum = 0;
      for (double p : PROBABILITIES) {
        sum += Math.pow(p, 1 / temperature);
      }
      for (int i = 0; i < times.length; i++) {
        assertEquals(Math.pow(PROBABILITIES[i], 1 / temperature) / sum, times[i] / 20_000.0, 0.015, temperature + " " + i);
      }
    }
  }

  @Test
  void whatIsCutIsNeverDrawn() {
    assertEquals(Set.of(0, 1, 2, 3), kept(options(1, 0, 1, 0, 1, 1)));
    assertEquals(Set.of(0, 1, 3), kept(options(1, 3, 1, 0, 1, 1)));
    assertEquals(Set.of(1), kept(options(1, 1, 1, 0, 1, 1)));
    assertEquals(Set.of(1, 3), kept(options(1, 0, 0.69, 0, 1, 1)));
    assertEquals(Set.of(0, 1, 3), kept(options(1, 0, 0.71, 0, 1, 1)));
    assertEquals(Set.of(1), kept(options(1, 0, 0.01, 0, 1, 1)));
    assertEquals(Set.of(0, 1, 3), kept(options(1, 0, 1, 0.49, 1, 1)));
    assertEquals(Set.of(1, 3), kept(options(1, 0, 1, 0.51, 1, 1)));
    assertEquals(Set.of(1, 3), kept(options(1, 2, 0.71, 0, 1, 1)), "top-p is of what top-k keeps");
  }

  @Test
  void temperatureZeroTakesTheLikeliestAndOfEqualOnesTheFirst() {
    Sampler sampler = new Sampler(options(0, 0, 1, 0, 1, 0));
    assertEquals(1, sampler.next(logits(), new BitSet()));
    assertEquals(1, sampler.next(new float[] {-5, 2, 2, -0.0f}, new BitSet()));
    assertEquals(1, new Sampler(options(1, 1, 1, 0, 1, 0)).next(new float[] {-5, 2, 2, 0}, new BitSet()), "the same where they are ranked");
    assertEquals(2, new Sampler(options(1, 1, 1, 0, 1, 0)).next(new float[] {-5, -3, -2, -4}, new BitSet()));
  }

  @Test
  void whatWasSeenIsLessLikely() {
    BitSet seen = new BitSet();
    seen.set(0);
    seen.set(2);
    assertEquals(1, new Sampler(options(0, 0, 1, 0, 2, 0)).next(new float[] {3, 2, 1}, seen));
    assertEquals(1, new Sampler(options(0, 0, 1, 0, 2, 0)).next(new float[] {-3, -4, -2.5f}, seen));
    assertEquals(0, new Sampler(options(0, 0, 1, 0, 2, 0)).next(new float[] {3, 1, 1}, seen));
  }

  @Test
  void seedsDecideFromTheFirstTokenOn() {
    float[] flat = new float[1000];
    Set<Integer> first = new TreeSet<>();
    for (int seed = 0; seed < 12; seed++) {
      Sampler sampler = new Sampler(options(1, 0, 1, 0, 1, seed));
      Sampler again = new Sampler(options(1, 0, 1, 0, 1, seed));
      int token = sampler.next(flat.clone(), new BitSet());
      first.add(token);
      assertEquals(token, again.next(flat.clone(), new BitSet()));
      assertEquals(sampler.next(flat.clone(), new BitSet()), again.next(flat.clone(), new BitSet()));
    }
    assertTrue(first.size() >= 10 && ((TreeSet<Integer>) first).first() < 300 && ((TreeSet<Integer>) first).last() > 700, first.toString());
  }

  @Test
  void stopTextsEndTheAnswerWhereverTheyAreCut() {
    Random random = new Random(7);
    List<String> stops = List.of("<|end|>", "\n\n", "<|e");
    for (int i = 0; i < 2000; i++) {
      StringBuilder whole = new StringBuilder();
      for (int n = random.nextInt(6); n >= 0; n--) {
        whole.append(List.of("a", "<", "|end", "<|", "\n", "b<|x", "<|end|>", "\n\n").get(random.nextInt(8)));
      }
      String all = whole.toString();
      StringBuilder shown = new StringBuilder();
      StopText text = new StopText(stops, shown::append);
      for (int at = 0; at < all.length() && !text.stopped();) {
        int to = Math.min(all.length(), at + 1 + random.nextInt(4));
        text.append(all.substring(at, to));
        at = to;
        assertTrue(all.startsWith(shown.toString()), all);
      }
      text.end();
      int end = stops.stream().mapToInt(all::indexOf).filter(at -> at >= 0).min().orElse(all.length());
      assertEquals(all.substring(0, end), shown.toString(), all);
      assertEquals(end < all.length(), text.stopped(), all);
      assertEquals(shown.toString(), text.toString());
    }
  }
}
