package org.spikellm.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class EncodingTest {

  private static Dynamics levels(int low, int high, int timeSteps) {
    return new Dynamics(1, 1, low, high, timeSteps);
  }

  private static Encoding encoding(boolean collapsed, Dynamics... dynamics) {
    int[] starts = new int[dynamics.length];
    Arrays.setAll(starts, c -> c);
    return new Encoding(new Whole(true), new ChannelOrder(new int[] {2, 0, 1}, starts), List.of(dynamics), collapsed);
  }

  @Test
  @DisplayName("counts are stored in the smallest type, less 128 where that makes them fit in a byte")
  void storage() {
    record Case(DType type, int offset, Dynamics... dynamics) {}
    for (Case c : List.of(new Case(DType.I8, 0, levels(0, 15, 1), levels(0, 15, 2)), new Case(DType.I8, 0, levels(0, 127, 1)),
        new Case(DType.I8, 128, levels(0, 255, 1)), new Case(DType.I8, 128, levels(0, 15, 1), levels(0, 128, 1)),
        new Case(DType.I16, 0, levels(0, 255, 2)), new Case(DType.I8, 0, levels(-7, 7, 4)),
        new Case(DType.I8, 0, levels(-127, 127, 1)),
        new Case(DType.I16, 0, levels(-127, 127, 2)))) {
      assertEquals(c.type, encoding(true, c.dynamics).countType(), c::toString);
      assertEquals(c.offset, encoding(true, c.dynamics).offset(), c::toString);
    }
  }

  @Test
  @DisplayName("step by step there is a plane for each of the most time steps, and no offset")
  void planes() {
    Encoding steps = encoding(false, levels(0, 15, 1), levels(0, 15, 4));
    assertEquals(4, steps.planes());
    assertEquals(1, encoding(true, levels(0, 15, 1), levels(0, 15, 4)).planes());
    assertEquals(0, encoding(false, levels(0, 255, 1)).offset());
    assertEquals(DType.I16, encoding(false, levels(0, 255, 1)).countType());
    assertEquals(4, encoding(true, levels(0, 15, 1), levels(0, 15, 4)).stepByStep().planes());
  }

  @Test
  @DisplayName("a neuron that is not collapsible runs step by step")
  void collapse() {
    ChannelOrder order = ChannelOrder.identity(3);
    assertThrows(IllegalArgumentException.class, () -> new Encoding(new Whole(false), order, List.of(levels(0, 1, 1)), true));
    assertThrows(IllegalArgumentException.class,
        () -> new Encoding(new Whole(true), order, List.of(levels(0, 1, 1), levels(0, 1, 2)), true));
  }

  @Test
  @DisplayName("levels of both signs fire in all classes, or in none")
  void signs() {
    encoding(true, levels(-1, 1, 1), levels(-1, 1, 4));
    assertThrows(IllegalArgumentException.class, () -> encoding(true, levels(-1, 1, 1), levels(0, 1, 4)));
    boolean[] channels = new boolean[1];
    assertThrows(IllegalArgumentException.class, () -> new KeyValueEncoding(new Whole(true), levels(0, 15, 1), levels(-7, 7, 2), true, channels,
        new float[1], new float[1], channels));
  }

  @Test
  @DisplayName("theta and zero point follow the formula, clamped, rounded half to even")
  void ranges() {
    assertEquals(new SpikeRange(1, 0), SpikeRange.of(0, 15, levels(0, 15, 1)));
    assertEquals(new SpikeRange(2, 2), SpikeRange.of(-5, 25, levels(0, 15, 1))); // 2.5 to even
    assertEquals(new SpikeRange(1, -3), SpikeRange.of(3, 33, levels(0, 15, 2)));
    assertEquals(new SpikeRange(1e-5f, -10_000), SpikeRange.of(1, 1, levels(0, 15, 1)));
    assertEquals(new SpikeRange(1e-5f, 0), SpikeRange.of(0, 0, levels(0, 15, 1)));
    assertEquals(new SpikeRange(1e4f, 10_000), SpikeRange.of(-Float.MAX_VALUE, Float.MAX_VALUE, levels(0, 15, 1)));
    assertEquals(new SpikeRange(1, 0), SpikeRange.of(-7, 3, levels(-7, 7, 1)));
    SpikeRange range = new SpikeRange(2, 2);
    assertEquals(2, range.current(1)); // 0.5 to even, and the zero point
    assertEquals(4, range.current(3)); // 1.5 to even
    assertEquals(-6, range.decode(-1));
  }

  @Test
  @DisplayName("a train decodes to (count - zero) * theta in the channels' own order")
  void decode() {
    Encoding encoding = encoding(true, levels(0, 255, 1), levels(0, 255, 1));
    SpikeTrain train = SpikeTrain.allocate(encoding, 2);
    for (int place = 0; place < 3; place++) {
      train.planes().getFirst().setInt(1, place, 10 * place + 200 - 128);
    }
    train.thresholds().setFloat(1, 0, 0.5f);
    train.thresholds().setFloat(1, 1, 2);
    train.zeros().setInt(1, 0, 100 - 128);
    train.zeros().setInt(1, 1, 300 - 128);
    assertEquals(210, train.count(1, 1));
    Tensor decoded = Tensor.allocate(DType.F32, 2, 3);
    train.decode(decoded);
    assertArrayEquals(new float[] {0, 0, 0, -180, -160, 50}, decoded.toFloats());
    assertEquals(1, train.tokens(1).tokens());
  }

  @Test
  @DisplayName("dynamics out of range are refused")
  void dynamics() {
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(0, 1, 0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, 0, 0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, 1.5f, 0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, Float.NaN, 0, 1, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, 1, 1, 2, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, 1, 0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new Dynamics(1, 1, 0, 1, 0));
    assertEquals(30, levels(0, 15, 2).countHigh());
    assertEquals(-14, levels(-7, 7, 2).countLow());
  }

  @Test
  @DisplayName("planes, thresholds and zero points of a train fit each other")
  void trains() {
    ChannelOrder order = ChannelOrder.identity(3);
    Tensor plane = Tensor.allocate(DType.I8, 2, 3);
    Tensor theta = Tensor.allocate(DType.F32, 2, 1);
    Tensor zero = Tensor.allocate(DType.I32, 2, 1);
    assertThrows(IllegalArgumentException.class, () -> new SpikeTrain(order, List.of(), theta, zero, 0));
    assertThrows(IllegalArgumentException.class, () -> new SpikeTrain(order, List.of(plane, plane), theta, zero, 128));
    assertThrows(IllegalArgumentException.class, () -> new SpikeTrain(order, List.of(theta), theta, zero, 0));
    assertThrows(IllegalArgumentException.class, () -> new SpikeTrain(order, List.of(plane), theta, theta, 0));
    assertThrows(IllegalArgumentException.class, () -> new SpikeTrain(ChannelOrder.identity(4), List.of(plane), theta, zero, 0));
  }

  /** The neuron of method.md §1, written out once more. */
  record Whole(boolean collapsible) implements NeuronModel {
    @Override
    public String id() {
      return "whole";
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return levels(0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      for (int i = 0; i < input.length; i++) {
        potential[i] += input[i];
        spikes[i] = (short) Math.clamp((long) potential[i], dynamics.lowLevel(), dynamics.highLevel());
        potential[i] -= spikes[i];
      }
    }
  }
}
