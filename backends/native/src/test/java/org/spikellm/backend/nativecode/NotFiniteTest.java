package org.spikellm.backend.nativecode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.Session;
import org.spikellm.api.Tensor;

/** What is no number stays none, so that whoever looks at results sees it. */
class NotFiniteTest {

  @ParameterizedTest
  @EnumSource(Instructions.class)
  void aRowWithNaNIsNaNAfterSoftmaxAndOthersAreNot(Instructions instructions) {
    try (Session session = Sessions.open(instructions, 1)) {
      for (int columns : new int[] {3, 16, 33, 48, 100}) {
        for (int bad = 0; bad < columns; bad++) {
          for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Tensor x = Tensor.of(2, new float[2 * columns]);
            for (int c = 0; c < columns; c++) {
              x.setFloat(0, c, c < 16 ? 200 : 1);
              x.setFloat(1, c, c % 3);
            }
            x.setFloat(0, bad, value);
            session.softmax(x);
            double sum = 0;
            for (int c = 0; c < columns; c++) {
              assertEquals(Float.NaN, x.getFloat(0, c), columns + " columns, " + value + " in " + bad + ", " + c);
              sum += x.getFloat(1, c);
            }
            assertEquals(1, sum, 1e-5);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Instructions.class)
  void whatIsMaskedWeighsNothing(Instructions instructions) {
    try (Session session = Sessions.open(instructions, 1)) {
      Tensor x = Tensor.of(1, 1, Float.NEGATIVE_INFINITY, -300, 1);
      session.softmax(x);
      assertEquals(0.5f, x.getFloat(0, 0));
      assertEquals(0, x.getFloat(0, 1));
      assertEquals(0, x.getFloat(0, 2));
      assertEquals(0.5f, x.getFloat(0, 3));
    }
  }
}
