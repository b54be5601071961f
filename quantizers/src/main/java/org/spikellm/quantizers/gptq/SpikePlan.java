package org.spikellm.quantizers.gptq;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * How many time steps the columns of a weight get: {@code 0.8:1,0.1:2,0.1:4} is one step for the 80 % that are least salient, two for
 * the next tenth, four for the most salient one.
 *
 * @param fractions of the columns, least salient first, which add up to 1. Not copied or changed
 * @param steps of each. Not copied or changed
 */
public record SpikePlan(double[] fractions, int[] steps) {

  private static final int MAX_STEPS = 64;
  private static final double SUM_TOLERANCE = 1e-6;

  /**
   * Reads a plan.
   *
   * @throws IllegalArgumentException what is wrong with it
   */
  public static SpikePlan parse(String text) {
    String[] parts = text.split(",", -1);
    double[] fractions = new double[parts.length];
    int[] steps = new int[parts.length];
    for (int i = 0; i < parts.length; i++) {
      String[] pair = parts[i].strip().split(":", -1);
      try {
        fractions[i] = Double.parseDouble(pair[0]);
        steps[i] = Integer.parseInt(pair[1]);
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        throw wrong("fraction:steps, separated by commas", text);
      }
      if (pair.length != 2 || !(fractions[i] >= 0 && fractions[i] <= 1) || steps[i] < 1 || steps[i] > MAX_STEPS) {
        throw wrong("fractions of 0 to 1 and 1 to " + MAX_STEPS + " steps, such as 0.8:1,0.1:2,0.1:4", text);
      }
    }
    double sum = Arrays.stream(fractions).sum();
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw wrong("fractions that add up to 1", String.format(Locale.ROOT, "%s, which add up to %.4g", text, sum));
    }
    return new SpikePlan(fractions, steps);
  }

  private static IllegalArgumentException wrong(String expected, String found) {
    return new IllegalArgumentException("expected " + expected + ", found '" + found + "'");
  }

  /** Classes of columns. */
  int classes() {
    return steps.length;
  }

  int mostSteps() {
    return Arrays.stream(steps).max().orElseThrow();
  }

  /** Σ fraction · steps: the cost beside that of one step (method.md §5). */
  public double equalSteps() {
    double sum = 0;
    for (int c = 0; c < steps.length; c++) {
      sum += fractions[c] * steps[c];
    }
    return sum;
  }

  /** The class of each column by rank: as many as a class's fraction, rounded, class after class; the last takes the rest. */
  int[] classes(float[] score) {
    int[] ranked = IntStream.range(0, score.length).boxed().sorted(Comparator.comparing(j -> score[j])).mapToInt(j -> j).toArray();
    int[] classOf = new int[score.length];
    int from = 0;
    for (int c = 0; c < steps.length; c++) {
      int to = c == steps.length - 1 ? ranked.length : (int) Math.min(ranked.length, from + Math.rint(fractions[c] * ranked.length));
      for (; from < to; from++) {
        classOf[ranked[from]] = c;
      }
    }
    return classOf;
  }
}
