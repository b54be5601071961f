package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.CodeClass;
import org.spikellm.api.DType;
import org.spikellm.api.DecoderSession;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** Weights that are larger than an allocation may be lie in several, and give the bytes of those that lie in one. */
class SplitTest {

  private static final long LIMIT = 16 << 10;

  private static VulkanSession open(long limit) {
    Sessions.need();
    return new VulkanSession(new Device(Instance.canValidate(), Choice.AUTO, EnumSet.allOf(Feature.class)), 1, Layers.ALL, limit);
  }

  private static CodeClass random(Random random, int rows, int columns, int bits) {
    Tensor codes = Tensor.allocate(DType.U8, rows, CodeClass.packedBytes(columns, bits));
    Tensor scales = Tensor.allocate(DType.F32, rows, 2);
    Tensor zeros = Tensor.allocate(DType.I16, rows, 2);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < codes.columns(); c++) {
        codes.setInt(r, c, random.nextInt(256));
      }
      for (int g = 0; g < 2; g++) {
        scales.setFloat(r, g, random.nextFloat());
        zeros.setInt(r, g, random.nextInt(1 << bits));
      }
    }
    return new CodeClass(columns, bits, 0, new int[] {columns / 2, columns}, codes, scales, zeros);
  }

  @Test
  void aQuantizedWeight() {
    Random random = new Random(3);
    int rows = 1_501;
    QuantizedWeight weight = new QuantizedWeight(rows, new ChannelOrder(ChannelOrder.identity(80).order(), new int[] {0, 64}),
        List.of(random(random, rows, 64, 4), random(random, rows, 16, 8)));
    Tensor stored = Tensor.allocate(DType.I8, 3, 80);
    Tensor floats = Tensor.allocate(DType.F32, 3, 80);
    Tensor thetas = Tensor.allocate(DType.F32, 3, 2);
    for (int t = 0; t < 3; t++) {
      thetas.setFloat(t, 0, 0.3f);
      thetas.setFloat(t, 1, 0.1f);
      for (int c = 0; c < 80; c++) {
        stored.setInt(t, c, random.nextInt(16));
        floats.setFloat(t, c, (float) random.nextGaussian());
      }
    }
    SpikeTrain train = new SpikeTrain(weight.order(), List.of(stored), thetas, Tensor.allocate(DType.I32, 3, 2), 0);
    float[][] whole = products(Long.MAX_VALUE, weight, train, floats);
    float[][] parts = products(LIMIT * 2, weight, train, floats);
    assertArrayEquals(whole[0], parts[0], "of spikes");
    assertArrayEquals(whole[1], parts[1], "of floats");
  }

  private static float[][] products(long limit, QuantizedWeight weight, SpikeTrain train, Tensor floats) {
    try (Session session = open(limit)) {
      SpikingLinear linear = session.prepare(weight);
      Tensor out = Tensor.allocate(DType.F32, 3, weight.rows());
      Tensor outOfFloats = Tensor.allocate(DType.F32, 3, weight.rows());
      linear.accumulate(train, out);
      linear.accumulate(floats, outOfFloats);
      return new float[][] {out.toFloats(), outOfFloats.toFloats()};
    }
  }

  @Test
  void aDenseHead() {
    assertArrayEquals(logits(Long.MAX_VALUE), logits(LIMIT));
  }

  private static float[] logits(long limit) {
    try (VulkanSession session = open(limit)) {
      DecoderSession decoder = session.decoder(VulkanDecoderTest.plan(3_001)).orElseThrow();
      return VulkanDecoderTest.next(decoder, decoder.cache(VulkanDecoderTest.POSITIONS), 7, 0, 3_001);
    }
  }

  @Test
  void whatCannotBeSplitIsRefused() {
    try (VulkanSession session = open(LIMIT)) {
      DecoderSession decoder = session.decoder(VulkanDecoderTest.plan()).orElseThrow();
      assertThrows(OutOfMemoryError.class, () -> decoder.cache(10_000));
    }
  }
}
