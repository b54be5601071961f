package org.spikellm.launcher.tasks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.spikellm.launcher.tasks.ItemScore.OptionScore;

/** Choices, accuracies and their errors, from given log-likelihoods. */
class TaskScoresTest {

  private static final double EXACT = 1e-15;

  private static OptionScore option(double logLikelihood, int bytes) {
    return new OptionScore(logLikelihood, false, 1, bytes, false, false);
  }

  private static ItemScore item(int gold, OptionScore... options) {
    List<String> answers = new ArrayList<>();
    for (OptionScore option : options) {
      answers.add("x".repeat(option.bytes()));
    }
    return new ItemScore(TaskItem.of(1, "Question", answers, gold), List.of(options));
  }

  private static TaskScores scores(ItemScore... items) {
    List<TaskItem> of = List.of(items).stream().map(ItemScore::item).toList();
    return new TaskScores(new Task("piqa", new TaskFile(Path.of("x"), new Piqa(), of), of, Shots.NONE), List.of(items));
  }

  @Test
  void theLargestLogLikelihoodIsChosenAndTheFirstOfEqualOnes() {
    assertEquals(1, item(0, option(-3, 5), option(-2, 5), option(-2, 5)).choice());
    assertEquals(0, item(0, option(-6, 6), option(-4, 2), option(-5, 4)).choiceNorm());
    assertEquals(1, item(0, option(-6, 6), option(-4, 2), option(-5, 4)).choice());
    assertEquals(1, item(0, option(-6, 0), option(-40, 2)).choiceNorm(), "an answer without text is never chosen");
  }

  @Test
  void bytesAreCountedInUtf8() {
    assertEquals(7, new TaskItem.Option("", "Führer").bytes());
    assertEquals(" Führer", new TaskItem.Option("", "Führer").continuation());
  }

  @Test
  void accuraciesAndTheirErrors() {
    TaskScores scores = scores(item(0, option(-1, 1), option(-2, 4)), item(1, option(-1, 1), option(-2, 4)),
        item(1, option(-1, 1), option(-2, 4)), item(1, option(-3, 1), option(-2, 4)));
    assertEquals(0.5, scores.accuracy().value(), EXACT);
    assertEquals(Math.sqrt(0.5 * 0.5 / 3), scores.accuracy().standardError(), EXACT);
    assertEquals(0.75, scores.accuracyNorm().value(), EXACT);
    assertEquals(Math.sqrt(0.75 * 0.25 / 3), scores.accuracyNorm().standardError(), EXACT);
  }

  @Test
  void aSingleItemHasNoError() {
    Mean mean = scores(item(0, option(-1, 1), option(-2, 4))).accuracy();
    assertEquals(1, mean.value());
    assertTrue(Double.isNaN(mean.standardError()));
  }

  /** Two models that fail on the same items differ by nothing, with no error, whatever the errors of the two. */
  @Test
  void differencesAreOfItems() {
    ItemScore right = item(0, option(-1, 1), option(-2, 1));
    ItemScore wrong = item(0, option(-2, 1), option(-1, 1));
    Mean none = scores(right, wrong, right, wrong).difference(scores(right, wrong, right, wrong), ItemScore::isCorrect);
    assertEquals(0, none.value());
    assertEquals(0, none.standardError());
    Mean one = scores(right, right, right, wrong).difference(scores(right, wrong, right, wrong), ItemScore::isCorrect);
    assertEquals(0.25, one.value(), EXACT);
    assertEquals(0.25, one.standardError(), EXACT);
  }

  @Test
  void aTextToCompleteIsRightWhereEveryTokenIsTheMostLikely() {
    OptionScore greedy = new OptionScore(-1, true, 2, 1, false, false);
    TaskScores scores = scores(item(0, greedy), item(0, option(-3, 1)));
    assertFalse(scores.isChoice());
    assertEquals(0.5, scores.accuracy().value(), EXACT);
    assertEquals(Math.exp(2), scores.perplexity().value(), 1e-14);
    assertEquals(Math.exp(2) * Math.sqrt(2) / Math.sqrt(2), scores.perplexity().standardError(), 1e-14);
  }
}
