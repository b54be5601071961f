package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.function.Executable;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderPlan;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** Rules B.70 to B.74: a session's decoder gives what its kernels give one after the other. */
final class DecoderRules {

  /** A case is drawn anew as long as a count comes so near to where it would be rounded otherwise. */
  private static final double LEAST_MARGIN = 0x1p-16;
  private static final int MOST_DRAWS = 200;

  private DecoderRules() {}

  /**
   * What the kernels give for all positions of a case.
   *
   * @param test the case
   * @param hidden F32 [positions, hidden]
   * @param logits F32 [positions, vocabulary]
   * @param hiddenBound what a decoder may be off
   * @param logitsBound the same of logits
   * @param name of the case, with its seed
   */
  private record Expected(DecoderCase test, Tensor hidden, Tensor logits, double hiddenBound, double logitsBound, String name) {

    void checkHidden(Tensor found, int from, String what) {
      check(hidden.rows(from, from + found.rows()), found, hiddenBound, name + ": " + what + ": hidden states");
    }

    void checkLogits(Tensor found, int position, String what) {
      check(logits.rows(position, position + 1), found, logitsBound, name + ": " + what + ": logits after position " + position);
    }

    private static void check(Tensor expected, Tensor found, double bound, String what) {
      for (int t = 0; t < found.rows(); t++) {
        for (int c = 0; c < found.columns(); c++) {
          Near.check(expected.getFloat(t, c), found.getFloat(t, c), bound, () -> what, t, c);
        }
      }
    }
  }

  /**
   * A case without counts on the verge, so that what its kernels give depends smoothly on roundings. How strongly is tried: D is
   * the most that an output moves when the embeddings move by 2 u; a decoder, whose kernels may each be off by some tens of u,
   * may be off by 32 D and 64 u of the largest output.
   */
  private static Expected expected(Session session, DecoderCase.Form form) {
    Draw random = new Draw("decoder, " + form);
    DecoderCase model = DecoderCase.of(form, session, random);
    for (int draw = 0; draw < MOST_DRAWS; draw++) {
      DecoderCase test = model.again(random);
      PlainDecoder plain = new PlainDecoder(session, test.plan());
      Tensor hidden = test.tokens(0, DecoderCase.POSITIONS);
      plain.forward(hidden, plain.cache(DecoderCase.POSITIONS), 0, test.rope());
      if (form == DecoderCase.Form.SPIKES && plain.margin() < LEAST_MARGIN) {
        continue;
      }
      Tensor logits = plain.logits(hidden);
      Tensor moved = test.tokens(0, DecoderCase.POSITIONS);
      for (int t = 0; t < moved.rows(); t++) {
        for (int c = 0; c < moved.columns(); c++) {
          moved.setFloat(t, c, (float) (moved.getFloat(t, c) * (1 + (random.chance(0.5) ? 2 : -2) * Near.U)));
        }
      }
      plain.forward(moved, plain.cache(DecoderCase.POSITIONS), 0, test.rope());
      return new Expected(test, hidden, logits, bound(hidden, moved), bound(logits, plain.logits(moved)), random.toString());
    }
    return fail("decoder, " + form + ": no case without counts on the verge among " + MOST_DRAWS + " draws");
  }

  private static double bound(Tensor expected, Tensor moved) {
    double most = 0;
    double largest = 0;
    for (int t = 0; t < expected.rows(); t++) {
      for (int c = 0; c < expected.columns(); c++) {
        most = Math.max(most, Math.abs(expected.getFloat(t, c) - moved.getFloat(t, c)));
        largest = Math.max(largest, Math.abs(expected.getFloat(t, c)));
      }
    }
    return 32 * most + 64 * Near.U * largest;
  }

  /** The decoder of a plan; skips the rule where the session has none. */
  private static DecoderSession open(Session session, DecoderPlan plan) {
    return session.decoder(plan)
        .orElseGet(() -> Assumptions.abort("it offers no decoder of such a model, so there is nothing to hold to this"));
  }

  private static Tensor logits() {
    Tensor logits = Tensor.allocate(DType.F32, 1, DecoderCase.VOCABULARY);
    logits.segment().fill((byte) 0xff); // NaN: replaced
    return logits;
  }

  /** Prompts, and tokens one by one after them. */
  static void prompts(Session session, DecoderCase.Form form) {
    Expected expected = expected(session, form);
    DecoderCase test = expected.test;
    try (DecoderSession decoder = open(session, test.plan())) {
      for (int prompt : new int[] {1, 2, 7, 200}) {
        DecoderSession.Cache cache = decoder.cache(DecoderCase.POSITIONS);
        Tensor x = test.tokens(0, prompt);
        decoder.forward(x, cache, 0, test.rope());
        expected.checkHidden(x, 0, "a prompt of " + prompt + " tokens");
        Tensor scores = Tensor.allocate(DType.F32, prompt, DecoderCase.VOCABULARY);
        scores.segment().fill((byte) 0xff);
        if (decoder.logits(x, scores)) {
          for (int t = 0; t < prompt; t++) {
            expected.checkLogits(scores.rows(t, t + 1), t, "the head on a prompt of " + prompt + " tokens");
          }
        }
        oneByOne(decoder, cache, expected, prompt, prompt + 5, "after a prompt of " + prompt + " tokens");
        Tensor logits = logits();
        decoder.next(test.tokens(0, prompt), decoder.cache(prompt), 0, test.rope(), logits);
        expected.checkLogits(logits, prompt - 1, "a prompt of " + prompt + " tokens");
      }
    }
  }

  private static void oneByOne(DecoderSession decoder, DecoderSession.Cache cache, Expected expected, int from, int to,
      String what) {
    for (int t = from; t < to; t++) {
      Tensor logits = logits();
      decoder.next(expected.test.tokens(t, t + 1), cache, t, expected.test.rope(), logits);
      expected.checkLogits(logits, t, what);
    }
  }

  /** Positions that were filled once are filled anew; two caches and two decoders keep apart. */
  static void caches(Session session) {
    Expected expected = expected(session, DecoderCase.Form.FLOAT);
    DecoderCase test = expected.test;
    Expected other = expected(session, DecoderCase.Form.TERNARY);
    try (DecoderSession decoder = open(session, test.plan()); DecoderSession second = open(session, other.test.plan())) {
      DecoderSession.Cache cache = decoder.cache(DecoderCase.POSITIONS);
      decoder.forward(test.tokens(100, 160), cache, 0, test.rope()); // what is to be forgotten
      Tensor x = test.tokens(0, 20);
      decoder.forward(x, cache, 0, test.rope());
      expected.checkHidden(x, 0, "in a cache that was full");
      oneByOne(decoder, cache, expected, 20, 30, "in a cache that was full");
      oneByOne(decoder, cache, expected, 24, 27, "after it was cut to 24 positions");
      DecoderSession.Cache beside = decoder.cache(40);
      DecoderSession.Cache foreign = second.cache(40);
      Tensor y = other.test.tokens(0, 9);
      second.forward(y, foreign, 0, other.test.rope());
      other.checkHidden(y, 0, "a second decoder");
      decoder.forward(test.tokens(100, 109), beside, 0, test.rope());
      oneByOne(decoder, cache, expected, 27, 29, "beside a cache of other tokens");
      decoder.forward(test.tokens(0, 9), beside, 0, test.rope());
      for (int i = 0; i < 4; i++) {
        oneByOne(decoder, cache, expected, 29 + i, 30 + i, "beside another cache");
        oneByOne(decoder, beside, expected, 9 + i, 10 + i, "beside another cache");
        oneByOne(second, foreign, other, 9 + i, 10 + i, "beside another decoder");
      }
    }
  }

  /** What does not fit is refused, and changes nothing; a closed decoder says so. */
  static void misfits(Session session) {
    Expected expected = expected(session, DecoderCase.Form.FLOAT);
    DecoderCase test = expected.test;
    DecoderSession decoder = open(session, test.plan());
    DecoderSession.Cache cache = decoder.cache(10);
    decoder.forward(test.tokens(0, 7), cache, 0, test.rope());
    refuses("more tokens than the cache has room for", () -> decoder.forward(test.tokens(7, 11), cache, 7, test.rope()));
    refuses("a position before the first", () -> decoder.next(test.tokens(7, 8), cache, -1, test.rope(), logits()));
    refuses("a position far past the last", () -> decoder.next(test.tokens(7, 8), cache, Integer.MAX_VALUE, test.rope(), logits()));
    DecoderSession another = open(session, DecoderCase.of(DecoderCase.Form.FLOAT, session, new Draw("another decoder")).plan());
    refuses("another decoder's cache", () -> decoder.forward(test.tokens(7, 8), another.cache(10), 7, test.rope()));
    another.close();
    refuses("no tokens", () -> decoder.forward(test.tokens(7, 7), cache, 7, test.rope()));
    refuses("a table of fewer positions", () -> decoder.forward(test.tokens(7, 9), cache, 7, test.rope().rows(0, 8)));
    refuses("embeddings of other widths", () -> decoder.forward(Tensor.allocate(DType.F32, 1, 15), cache, 7, test.rope()));
    refuses("embeddings of another type", () -> decoder.forward(Tensor.allocate(DType.F16, 1, 16), cache, 7, test.rope()));
    refuses("logits of another vocabulary", () -> decoder.next(test.tokens(7, 8), cache, 7, test.rope(),
        Tensor.allocate(DType.F32, 1, DecoderCase.VOCABULARY - 1)));
    oneByOne(decoder, cache, expected, 7, 10, "after calls that were refused");
    decoder.close();
    decoder.close();
    assertThrows(IllegalStateException.class, () -> decoder.forward(test.tokens(0, 1), cache, 0, test.rope()), "it is closed");
  }

  private static void refuses(String what, Executable call) {
    String said = String.valueOf(assertThrows(IllegalArgumentException.class, call, what).getMessage());
    assertTrue(said.contains("expected") && said.contains("found"),
        () -> what + ": the message says what was expected and found: " + said);
  }
}
