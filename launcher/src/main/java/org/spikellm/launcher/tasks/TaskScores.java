package org.spikellm.launcher.tasks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import org.spikellm.launcher.tasks.ItemScore.OptionScore;
import org.spikellm.launcher.tasks.PrefixScorer.Score;
import org.spikellm.launcher.workflow.LoadedModel;
import org.spikellm.launcher.workflow.Progress;
import org.spikellm.model.CheckpointException;

/**
 * What a model makes of a task.
 *
 * @param items one score an item, in order
 */
public record TaskScores(Task task, List<ItemScore> items) {

  /**
   * Scores a model.
   *
   * @param limit most tokens of a text that it is to read, at most its own limit
   * @throws IOException if an item cannot be scored
   */
  public static TaskScores measure(LoadedModel model, Task task, int limit, Progress progress) throws IOException {
    PrefixScorer scorer = new PrefixScorer(model.decoder(), limit);
    boolean opens = model.tokenizer().addsBos();
    List<ItemScore> scores = new ArrayList<>();
    progress.begin(task.name(), task.items().size(), "items");
    for (TaskItem item : task.items()) {
      List<OptionScore> options = new ArrayList<>();
      for (TaskItem.Option option : item.options()) {
        String context = task.context(item, option);
        try {
          ScoredText text = ScoredText.of(model.tokenizer(), opens, context, option.continuation(), limit);
          options.add(score(scorer, text, option.bytes()));
        } catch (CheckpointException e) {
          throw new CheckpointException(task.file().path() + ": line " + item.line() + ": " + model.checkpoint().directory()
              + ": " + e.getMessage(), e);
        }
      }
      scores.add(new ItemScore(item, options));
      progress.at(scores.size());
    }
    progress.end();
    return new TaskScores(task, scores);
  }

  private static OptionScore score(PrefixScorer scorer, ScoredText text, int bytes) throws CheckpointException {
    Score score = scorer.score(text);
    if (!Double.isFinite(score.logLikelihood())) {
      throw new CheckpointException("expected a finite log-likelihood, found " + score.logLikelihood()
          + "; try another --backend, or make the checkpoint again");
    }
    return new OptionScore(score.logLikelihood(), score.greedy(), text.scored(), bytes, text.truncated(), text.straddles());
  }

  /** Whether there is something to choose in it, and so an accuracy by normalised log-likelihoods. */
  public boolean isChoice() {
    return !items.getFirst().item().isCompletion();
  }

  /** Share of the items whose choice is right. */
  public Mean accuracy() {
    return mean(score -> score.isCorrect() ? 1 : 0);
  }

  /** The same by log-likelihood a byte. */
  public Mean accuracyNorm() {
    return mean(score -> score.isCorrectNorm() ? 1 : 0);
  }

  /** exp of the mean negative log-likelihood an item, of texts to complete; its error is the mean's times the perplexity. */
  public Mean perplexity() {
    Mean loss = mean(score -> -score.options().getFirst().logLikelihood());
    return new Mean(Math.exp(loss.value()), Math.exp(loss.value()) * loss.standardError());
  }

  /** By how much a share of items is larger here than for another model on the same ones, with that difference's own error. */
  public Mean difference(TaskScores other, Predicate<ItemScore> measure) {
    double[] differences = new double[items.size()];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = (measure.test(items.get(i)) ? 1 : 0) - (measure.test(other.items.get(i)) ? 1 : 0);
    }
    return Mean.of(differences);
  }

  /** Items that lost the front of their context, since they were longer than the limit. */
  public long truncated() {
    return count(OptionScore::truncated);
  }

  /** Items in which a token holds the end of the context and the start of an answer. */
  public long straddling() {
    return count(OptionScore::straddles);
  }

  private long count(Predicate<OptionScore> such) {
    return items.stream().filter(score -> score.options().stream().anyMatch(such)).count();
  }

  private Mean mean(ToDoubleFunction<ItemScore> measure) {
    return Mean.of(items.stream().mapToDouble(measure).toArray());
  }
}
