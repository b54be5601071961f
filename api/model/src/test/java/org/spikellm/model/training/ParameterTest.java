package org.spikellm.model.training;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** AdamW against its definition (Loshchilov and Hutter, algorithm 2, without decay), written out in double. */
class ParameterTest {

  private static final double RATE = 0.01;

  @Test
  void steps() {
    double[][] gradients = {{1, -2, 1e-9, 0}, {0.5, 3, -1e-9, 0}, {-4, 0.25, 2e-9, 0}};
    double[] x = {4, -1, 0.5, 2};
    double[] first = new double[4];
    double[] second = new double[4];
    Parameter parameter = new Parameter(new float[] {4, -1, 0.5f, 2}, RATE);
    for (int step = 1; step <= gradients.length; step++) {
      for (int i = 0; i < x.length; i++) {
        double g = gradients[step - 1][i];
        parameter.gradient()[i] = (float) g;
        first[i] = 0.9 * first[i] + 0.1 * g;
        second[i] = 0.999 * second[i] + 0.001 * g * g;
        x[i] -= RATE * (first[i] / (1 - Math.pow(0.9, step))) / (Math.sqrt(second[i] / (1 - Math.pow(0.999, step))) + 1e-8);
      }
      parameter.step();
      for (int i = 0; i < x.length; i++) {
        assertEquals(x[i], parameter.values()[i], 2e-6, "entry " + i + " after step " + step);  // some roundings of a float near 4
      }
    }
  }

  @Test
  void whatWasKeptComesBack() {
    Parameter parameter = new Parameter(new float[] {1, 2}, RATE);
    parameter.keep();
    parameter.values()[1] = Float.NaN;
    assertFalse(parameter.isFinite());
    parameter.restore();
    assertTrue(parameter.isFinite());
    assertArrayEquals(new float[] {1, 2}, parameter.values());
  }
}
