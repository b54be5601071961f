package org.spikellm.backend.vulkan;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.spikellm.api.ChannelOrder;
import org.spikellm.api.DType;
import org.spikellm.api.Dynamics;
import org.spikellm.api.Encoding;
import org.spikellm.api.NeuronModel;
import org.spikellm.api.QuantizedWeight;
import org.spikellm.api.Session;
import org.spikellm.api.SpikeTrain;
import org.spikellm.api.SpikingLinear;
import org.spikellm.api.Tensor;

/** θ and counts do not depend on the device's division, which Vulkan lets be off by 2.5 units in the last place. */
class EncoderTest {

  /** The API's kernels. */
  private static final Session PLAIN = new Session() {
    @Override
    public void matmul(Tensor a, Tensor b, Tensor out) {
      throw new UnsupportedOperationException();
    }

    @Override
    public SpikingLinear prepare(QuantizedWeight weight) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {}
  };

  private static final NeuronModel NEURON = new NeuronModel() {
    @Override
    public String id() {
      return "counts";
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean collapsible() {
      return true;
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      throw new UnsupportedOperationException();
    }
  };

  /** Rows of normal numbers, and rows whose quotients lie at halves, or beside them. */
  private static Tensor rows(Random random, int channels) {
    Tensor x = Tensor.allocate(DType.F32, 40, channels);
    for (int t = 0; t < x.rows(); t++) {
      float theta = (float) Math.exp(3 * random.nextGaussian());
      for (int c = 0; c < channels; c++) {
        float half = (random.nextInt(-8, 8) + 0.5f) * theta;
        x.setFloat(t, c, t % 2 == 0 ? (float) random.nextGaussian() * theta
            : Float.intBitsToFloat(Float.floatToRawIntBits(half) + random.nextInt(-1, 2)));
      }
      if (t % 2 == 1) {
        x.setFloat(t, 0, -7 * theta);
        x.setFloat(t, 1, 8 * theta);
      }
    }
    return x;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, -1, 3, -3})
  void anyDivision(int off) {
    int channels = 257;
    ChannelOrder order = new ChannelOrder(IntStream.range(0, channels).map(i -> channels - 1 - i).toArray(), new int[] {0, 200});
    try (VulkanSession session = (VulkanSession) Sessions.open(Map.of())) {
      for (int levels : new int[] {3, 15, 255, 4095}) {
        List<Dynamics> dynamics = List.of(new Dynamics(1, 1, 0, levels, 1), new Dynamics(1, 1, 0, levels, 2));
        Encoding encoding = new Encoding(NEURON, order, dynamics, true);
        Tensor x = rows(new Random(levels), channels);
        SpikeTrain expected = SpikeTrain.allocate(encoding, x.rows());
        SpikeTrain found = SpikeTrain.allocate(encoding, x.rows());
        PLAIN.encode(x, encoding, expected);
        session.encode(x, encoding, found, off);
        assertArrayEquals(expected.thresholds().toFloats(), found.thresholds().toFloats(), levels + " levels: θ");
        assertArrayEquals(expected.zeros().toFloats(), found.zeros().toFloats(), levels + " levels: zero points");
        Tensor counts = found.planes().getFirst();
        assertArrayEquals(expected.planes().getFirst().toFloats(), counts.toFloats(), levels + " levels: counts");
      }
    }
  }
}
