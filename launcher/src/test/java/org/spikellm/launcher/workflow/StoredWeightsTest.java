package org.spikellm.launcher.workflow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DenseWeight;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Tensor;

/** What is said about stored weights, against the weights themselves. */
class StoredWeightsTest {

  @ParameterizedTest
  @CsvSource({"1, 17, 5", "2, 154, 100", "3, 19, 7", "4, 300, 128", "5, 33, 0", "6, 64, 16", "7, 9, 4", "8, 21, 8"})
  void zerosAndScalesAreThoseOfTheWeights(int bits, int columns, int groupSize) {
    SplittableRandom random = new SplittableRandom(bits);
    int rows = 7;
    int[] ends = CodeClass.groupEnds(columns, groupSize == 0 ? columns : groupSize);
    CodeClass codes = new CodeClass(columns, bits, 0, ends, Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits)),
        Tensor.allocate(DType.F32, rows, ends.length), Tensor.allocate(DType.I16, rows, ends.length));
    float least = 9;
    float largest = 0;
    for (int r = 0; r < rows; r++) {
      for (int j = 0; j < columns; j++) {
        codes.setCode(r, j, random.nextInt(1 << bits));
      }
      for (int g = 0; g < ends.length; g++) {
        float scale = (float) random.nextDouble(0.1, 2);
        codes.scales().setFloat(r, g, scale);
        codes.zeros().setInt(r, g, random.nextInt(1 << bits));
        least = Math.min(least, scale);
        largest = Math.max(largest, scale);
      }
    }
    QuantizedWeight weight = new QuantizedWeight(rows, ChannelOrder.identity(columns), List.of(codes));
    int zeros = 0;
    for (float w : weight.dequantize().toFloats()) {
      zeros += w == 0 ? 1 : 0;
    }
    List<StoredWeights> stored = StoredWeights.of(weight);
    assertEquals(List.of(new StoredWeights(StoredWeights.Form.CODES, (long) rows * columns, bits, 0, 0, zeros, least, largest)), stored);
    assertEquals((double) zeros / (rows * columns), StoredWeights.sparsity(stored));
    assertTrue(Double.isNaN(StoredWeights.equalSteps(stored)));
  }

  @Test
  void denseWeightsHaveNoScales() {
    Tensor values = Tensor.allocate(DType.BF16, 2, 3);
    values.setFloat(1, 2, 4);
    StoredWeights stored = StoredWeights.of(new DenseWeight(values)).getFirst();
    assertEquals(StoredWeights.Form.DENSE, stored.form());
    assertEquals(5, stored.zeros());
    assertEquals(16, stored.bits());
    assertTrue(Float.isNaN(stored.leastScale()));
  }
}
