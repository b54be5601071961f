package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Many tokens at once give the bytes of each alone, also past tiles and past 32 bits; the contract is for one alone. */
class TileTest {

  private static final int ROWS = 70;
  private static final int TOKENS = 45;

  /** Codes, and the ends of their groups: one or several, of whole blocks of 32 columns or not. */
  private record Case(int bits, int... ends) {

    static final List<Case> ALL = List.of(new Case(2, 1_088), new Case(3, 1_099), new Case(4, 33, 100, 1_099, 1_100),
        new Case(8, 32, 128, 1_024));

    int columns() {
      return ends[ends.length - 1];
    }
  }

  private static QuantizedWeight weight(Random random, Case of) {
    int columns = of.columns();
    int bits = of.bits;
    int[] ends = of.ends;
    Tensor codes = Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, bits));
    Tensor scales = Tensor.allocate(DType.F32, ROWS, ends.length);
    Tensor zeros = Tensor.allocate(DType.I16, ROWS, ends.length);
    for (int r = 0; r < ROWS; r++) {
      for (int c = 0; c < codes.columns(); c++) {
        codes.setInt(r, c, random.nextInt(256));
      }
      for (int g = 0; g < ends.length; g++) {
        scales.setFloat(r, g, random.nextFloat());
        zeros.setInt(r, g, random.nextInt(20_001) - 10_000);
      }
    }
    return new QuantizedWeight(ROWS, ChannelOrder.identity(columns),
        List.of(new CodeClass(columns, bits, 0, ends, codes, scales, zeros)));
  }

  private static SpikeTrain train(Random random, int columns, DType type, int largestZero) {
    Tensor stored = Tensor.allocate(type, TOKENS, columns);
    Tensor thetas = Tensor.allocate(DType.F32, TOKENS, 1);
    Tensor zeros = Tensor.allocate(DType.I32, TOKENS, 1);
    int most = type == DType.I8 ? 128 : 32_768;
    for (int t = 0; t < TOKENS; t++) {
      thetas.setFloat(t, 0, random.nextFloat());
      zeros.setInt(t, 0, random.nextInt(2 * largestZero + 1) - largestZero);
      for (int c = 0; c < columns; c++) {
        stored.setInt(t, c, random.nextInt(2 * most) - most);
      }
    }
    return new SpikeTrain(ChannelOrder.identity(columns), List.of(stored), thetas, zeros, 0);
  }

  private static SpikeTrain token(SpikeTrain train, int t) {
    return new SpikeTrain(train.order(), List.of(train.planes().getFirst().rows(t, t + 1)), train.thresholds().rows(t, t + 1),
        train.zeros().rows(t, t + 1), 0);
  }

  private static void assertSame(Map<String, String> options) {
    try (Session session = Sessions.open(options)) {
      for (Case of : Case.ALL) {
        for (DType type : new DType[] {DType.I8, DType.I16}) {
          for (int largestZero : new int[] {10, 10_000}) {
            Random random = new Random(of.bits);
            SpikingLinear linear = session.prepare(weight(random, of));
            SpikeTrain train = train(random, of.columns(), type, largestZero);
            Tensor all = Tensor.allocate(DType.F32, TOKENS, ROWS);
            Tensor alone = Tensor.allocate(DType.F32, TOKENS, ROWS);
            linear.accumulate(train, all);
            for (int t = 0; t < TOKENS; t++) {
              linear.accumulate(token(train, t), alone.rows(t, t + 1));
            }
            assertArrayEquals(alone.toFloats(), all.toFloats(), of.bits + " bits, " + type + ", zero points to " + largestZero);
          }
        }
      }
    }
  }

  @Test
  void manyTokens() {
    assertSame(Map.of("matrices", "off"));
  }

  @Test
  void manyTokensWithoutProductsOfBytes() {
    assertSame(Map.of("matrices", "off", "integer-dot", "off"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"128x128", "64x128", "64x64", "32x64", "32x32"})
  void manyTokensByMatrices(String size) {
    try (Session session = Sessions.open(Map.of("matrices", size))) {
      Device device = ((VulkanSession) session).device();
      assumeTrue(device.facts().matrices() != null, "the device multiplies no matrices of bytes (VK_KHR_cooperative_matrix)");
      assumeTrue(device.tile(ROWS, TOKENS, 1) != null, "the device has no room for tiles of " + size);
    }
    assertSame(Map.of("matrices", size));
  }
}
