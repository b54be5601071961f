package org.spikellm.model.training;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.function.ToDoubleFunction;
import org.spikellm.api.Tensor;

/** Gradients by central differences in double, and the numbers to try them on. */
final class Differences {

  /**
   * Float sums of at most some hundred terms: 2⁻²⁴ times the terms, and what cancels in them; the differences themselves err by 1e-9. A
   * wrong term shows as a part of the gradient itself.
   */
  private static final double TOLERANCE = 5e-5;
  private static final double STEP = 1e-5;
  /** What is left of a gradient that is 0: then the found one is to be small beside the outputs' gradients, of about 1. */
  private static final double NOTHING = 1e-7;

  private Differences() {}

  /** ∂f/∂x at {@code x}, which is moved and put back. */
  static double[] gradient(double[] x, ToDoubleFunction<double[]> f) {
    double[] gradient = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      double at = x[i];
      x[i] = at + STEP;
      double above = f.applyAsDouble(x);
      x[i] = at - STEP;
      double below = f.applyAsDouble(x);
      x[i] = at;
      gradient[i] = (above - below) / (2 * STEP);
    }
    return gradient;
  }

  static void assertGradient(String what, double[] expected, float[] found) {
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    double allowed = largest > NOTHING ? TOLERANCE * largest : TOLERANCE;
    for (int i = 0; i < expected.length; i++) {
      double difference = Math.abs(expected[i] - found[i]);
      assertTrue(difference <= allowed, what + "[" + i + "]: expected " + expected[i] + " by differences, found " + found[i]
          + ", the largest is " + largest);
    }
  }

  static double[] normal(Random random, int length, double scale) {
    double[] x = new double[length];
    for (int i = 0; i < length; i++) {
      x[i] = (float) (random.nextGaussian() * scale);
    }
    return x;
  }

  static Tensor tensor(double[] x, int rows) {
    float[] floats = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      floats[i] = (float) x[i];
    }
    return Tensor.of(rows, floats);
  }

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
