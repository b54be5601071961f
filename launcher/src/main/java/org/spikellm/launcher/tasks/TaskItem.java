package org.spikellm.launcher.tasks;

import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * One item of a task: ways in which a text may go on, one of them right.
 *
 * @param line where it stands in its file, from 1
 * @param options what there is to choose from; a single one is a text to complete
 * @param gold index of the right one
 */
public record TaskItem(int line, List<Option> options, int gold) {

  /**
   * A text and how it goes on.
   *
   * @param context what is given
   * @param answer what is scored, without the blank before it
   */
  public record Option(String context, String answer) {

    /** What follows the context. */
    public String continuation() {
      return " " + answer;
    }

    /** Bytes of the answer in UTF-8, by which its log-likelihood is normalised. */
    public int bytes() {
      return answer.getBytes(StandardCharsets.UTF_8).length;
    }
  }

  /** Answers to one question. */
  static TaskItem of(int line, String context, List<String> answers, int gold) {
    return new TaskItem(line, answers.stream().map(answer -> new Option(context, answer)).toList(), gold);
  }

  /** Whether it is a text to complete, with nothing to choose from. */
  public boolean isCompletion() {
    return options.size() == 1;
  }

  /** The item with its right answer, as an example for others. */
  String solved() {
    Option right = options.get(gold);
    return right.context() + right.continuation();
  }
}
