package org.spikellm.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.spikellm.api.DType;
import org.spikellm.api.Tensor;

class FiniteCheckTest {

  /** More than two of the pieces that are searched in parallel, and ragged. */
  private static final int ROWS = 3;
  private static final int COLUMNS = (1 << 20) - 7;

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void theFirstOfThemIsFoundWhereverItIs(DType type) {
    Tensor tensor = Tensor.allocate(type, ROWS, COLUMNS);
    float largest = type == DType.F16 ? 65504 : Float.intBitsToFloat(0x7f7f0000);
    for (int c = 0; c < COLUMNS; c++) {
      tensor.setFloat(1, c, c % 2 == 0 ? largest : -largest);
    }
    assertEquals(-1, FiniteCheck.firstNonFinite(tensor));
    float[] bad = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY};
    long last = tensor.size() - 1;
    int turn = 0;
    for (long at : new long[] {last, last - 1, 2L << 20, (1 << 20) + 1, 1 << 20, (1 << 20) - 1, 17, 0}) {
      tensor.setFloat((int) (at / COLUMNS), (int) (at % COLUMNS), bad[turn++ % bad.length]);
      assertEquals(at, FiniteCheck.firstNonFinite(tensor));
    }
  }
}
