package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.InputStatistics;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** The rules for salience detectors bite: each broken detector fails the rules that it breaks, and no others. */
class SalienceFaultsTest {

  private static SalienceDetector subject;

  static final class Subject extends SalienceDetectorContract {
    @Override
    protected SalienceDetector detector() {
      return subject;
    }

    @Override
    protected Session session(int threads) {
      return new NaiveSession(threads);
    }
  }

  private static Verdict verdict(SalienceDetector detector) {
    subject = detector;
    return Verdict.of(Subject.class);
  }

  /** Correct: the mean |x|, times a factor the faults change. */
  public static class Naive implements SalienceDetector {
    @Override
    public String id() {
      return "naive";
    }

    @Override
    public boolean needsGram() {
      return false;
    }

    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = new float[weight.columns()];
      for (int c = 0; c < scores.length; c++) {
        scores[c] = (float) inputs.absMean()[c];
      }
      return scores;
    }
  }

  /** Correct too: the diagonal of XᵀX. */
  public static final class Energy extends Naive {
    @Override
    public boolean needsGram() {
      return true;
    }

    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = new float[weight.columns()];
      for (int c = 0; c < scores.length; c++) {
        scores[c] = inputs.gram().getFloat(c, c);
      }
      return scores;
    }
  }

  public static final class OnePerRow extends Naive {
    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      return inputs.tokens() > 4 && weight.columns() == 127 ? new float[weight.rows()] : super.score(weight, inputs, session);
    }
  }

  public static final class DividesByZero extends Naive {
    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = super.score(weight, inputs, session);
      float largest = 0;
      for (float score : scores) {
        largest = Math.max(largest, score);
      }
      for (int c = 0; c < scores.length; c++) {
        scores[c] /= largest;
      }
      return scores;
    }
  }

  /** Answers every other time differently. */
  public static final class Remembers extends Naive {
    private int calls;

    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = super.score(weight, inputs, session);
      if (inputs.tokens() == 257 && calls++ % 2 == 1) {
        scores[0]++;
      }
      return scores;
    }
  }

  public static final class LikesTheFirst extends Naive {
    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = super.score(weight, inputs, session);
      scores[0] += 1;
      return scores;
    }
  }

  public static final class ReadsTheGram extends Naive {
    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      return new Energy().score(weight, inputs, session);
    }
  }

  public static final class Sorts extends Naive {
    @Override
    public float[] score(Tensor weight, InputStatistics inputs, Session session) {
      float[] scores = super.score(weight, inputs, session);
      Arrays.sort(inputs.absMax());
      return scores;
    }
  }

  @Test
  @DisplayName("correct detectors pass every rule")
  void correct() {
    Verdict naive = verdict(new Naive());
    assertEquals(Map.of(), naive.failed());
    assertEquals(11, naive.passed().size(), "rules of the contract");
    Verdict energy = verdict(new Energy());
    assertEquals(Map.of(), energy.failed());
    assertEquals(Set.of("S.5"), energy.aborted().keySet());
  }

  @TestFactory
  Stream<DynamicTest> faults() {
    return Stream.of(broken(new OnePerRow(), "S.1", "S.3", "S.5", "S.6"), broken(new DividesByZero(), "S.2"),
        broken(new Remembers(), "S.3", "S.5"), broken(new LikesTheFirst(), "S.4"), broken(new ReadsTheGram(), "S.5"),
        broken(new Sorts(), "S.6"));
  }

  private static DynamicTest broken(SalienceDetector broken, String... rules) {
    return DynamicTest.dynamicTest(broken.getClass().getSimpleName() + ": " + String.join(", ", rules), () -> {
      Verdict verdict = verdict(broken);
      assertEquals(new TreeSet<>(Set.of(rules)), new TreeSet<>(verdict.failed().keySet()),
          () -> "rules that failed: " + verdict.failed());
    });
  }
}
