package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** The kernels that a GPU runs for few tokens give the bytes of those that take less to compile, which the contract tests. */
class GpuKernelsTest {

  private static final int ROWS = 70;
  private static final int COLUMNS = 700;
  private static final int[] STARTS = {0, 500, 620};

  /** Classes of 500, 120 and 80 columns; groups that end at multiples of {@code group}, or one for each class where that is 0. */
  private static QuantizedWeight weight(Random random, int[] bits, int[] steps, int group, DType scaleType) {
    List<CodeClass> classes = new ArrayList<>();
    for (int c = 0; c < STARTS.length; c++) {
      int columns = (c + 1 < STARTS.length ? STARTS[c + 1] : COLUMNS) - STARTS[c];
      int groups = group == 0 ? 1 : (columns + group - 1) / group;
      int[] ends = new int[groups];
      for (int g = 0; g < groups; g++) {
        ends[g] = g + 1 == groups ? columns : (g + 1) * group;
      }
      Tensor codes = Tensor.allocate(DType.U8, ROWS, CodeClass.packedBytes(columns, bits[c]));
      Tensor scales = Tensor.allocate(scaleType, ROWS, groups);
      Tensor zeros = Tensor.allocate(DType.I16, steps[c] > 0 ? 1 : ROWS, steps[c] > 0 ? 1 : groups);
      for (int r = 0; r < ROWS; r++) {
        for (int b = 0; b < codes.columns(); b++) {
          codes.setInt(r, b, random.nextInt(256));
        }
        for (int g = 0; g < groups; g++) {
          scales.setFloat(r, g, random.nextFloat());
        }
      }
      for (int r = 0; r < zeros.rows(); r++) {
        for (int g = 0; g < zeros.columns(); g++) {
          zeros.setInt(r, g, steps[c] > 0 ? steps[c] : random.nextInt(1 << bits[c]));
        }
      }
      classes.add(new CodeClass(columns, bits[c], steps[c], ends, codes, scales, zeros));
    }
    return new QuantizedWeight(ROWS, new ChannelOrder(ChannelOrder.identity(COLUMNS).order(), STARTS), classes);
  }

  private static SpikeTrain train(Random random, ChannelOrder order, DType type, int tokens, int largestZero) {
    Tensor stored = Tensor.allocate(type, tokens, COLUMNS);
    Tensor thetas = Tensor.allocate(DType.F32, tokens, STARTS.length);
    Tensor zeros = Tensor.allocate(DType.I32, tokens, STARTS.length);
    int most = type == DType.I8 ? 128 : 32_768;
    for (int t = 0; t < tokens; t++) {
      for (int c = 0; c < STARTS.length; c++) {
        thetas.setFloat(t, c, random.nextFloat());
        zeros.setInt(t, c, random.nextInt(2 * largestZero + 1) - largestZero);
      }
      for (int c = 0; c < COLUMNS; c++) {
        stored.setInt(t, c, random.nextInt(2 * most) - most);
      }
    }
    return new SpikeTrain(order, List.of(stored), thetas, zeros, 0);
  }

  private interface Product {
    void add(SpikingLinear linear, Tensor out);
  }

  private static void assertSame(QuantizedWeight weight, int tokens, Product product) {
    float[][] results = new float[2][];
    for (int gpu = 0; gpu < 2; gpu++) {
      try (VulkanSession session = (VulkanSession) Sessions.open(Map.of("tuning", gpu == 0 ? "cpu" : "gpu"))) {
        session.commands().setRunOften(true);
        Tensor out = Tensor.allocate(DType.F32, tokens, ROWS);
        out.setFloat(0, 0, 0.5f);
        product.add(session.prepare(weight), out);
        results[gpu] = out.toFloats();
      }
    }
    assertArrayEquals(results[0], results[1]);
  }

  private static void assertSameOfCounts(int seed, QuantizedWeight weight, DType type, int tokens, int largestZero) {
    SpikeTrain train = train(new Random(seed), weight.order(), type, tokens, largestZero);
    assertSame(weight, tokens, (linear, out) -> linear.accumulate(train, out));
  }

  private static void assertSameOfFloats(QuantizedWeight weight, int tokens) {
    Random random = new Random(tokens);
    Tensor x = Tensor.allocate(DType.F32, tokens, COLUMNS);
    for (int t = 0; t < tokens; t++) {
      for (int c = 0; c < COLUMNS; c++) {
        x.setFloat(t, c, (float) random.nextGaussian());
      }
    }
    assertSame(weight, tokens, (linear, out) -> linear.accumulate(x, out));
  }

  @Test
  void countsWhereEachClassIsAGroup() {
    QuantizedWeight weight = weight(new Random(1), new int[] {4, 4, 8}, new int[3], 0, DType.F16);
    assertSameOfCounts(1, weight, DType.I8, 1, 10);
    assertSameOfCounts(2, weight, DType.I8, 1, 10_000_000);
    assertSameOfCounts(3, weight, DType.I16, 1, 10_000);
  }

  @Test
  void countsOfGroups() {
    QuantizedWeight weight = weight(new Random(2), new int[] {4, 2, 3}, new int[3], 290, DType.F32);
    assertSameOfCounts(4, weight, DType.I8, 1, 10);
    assertSameOfCounts(5, weight, DType.I8, 3, 10_000_000);
  }

  @Test
  void trainsOfGroups() {
    QuantizedWeight weight = weight(new Random(3), new int[] {2, 3, 4}, new int[] {1, 2, 4}, 50, DType.F16);
    assertSameOfCounts(6, weight, DType.I8, 1, 10);
    assertSameOfFloats(weight, 1);
  }

  /** Attention's tiles are spread over slices, and added in the same order. */
  @Test
  void aDecoder() {
    float[][] logits = new float[2][];
    for (int gpu = 0; gpu < 2; gpu++) {
      try (VulkanSession session = (VulkanSession) Sessions.open(Map.of("tuning", gpu == 0 ? "cpu" : "gpu"))) {
        DecoderSession decoder = session.decoder(VulkanDecoderTest.plan()).orElseThrow();
        DecoderSession.Cache cache = decoder.cache(VulkanDecoderTest.POSITIONS);
        VulkanDecoderTest.next(decoder, cache, 190, 0);
        logits[gpu] = VulkanDecoderTest.next(decoder, cache, 1, 190);
      }
    }
    assertArrayEquals(logits[0], logits[1]);
  }
}
