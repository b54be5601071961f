package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** Rules N.1 to N.7. */
final class NeuronRules {

  /** Bits and time steps that are tried, each with each. */
  private static final int[] BITS = {1, 2, 3, 4, 6, 8};

  private static final int[] TIME_STEPS = {1, 2, 3, 4, 8};

  private NeuronRules() {}

  /** One case: a layer of neurons with potentials and input. */
  private record Layer(Draw draw, Dynamics dynamics, float[] input, float[] potential) {

    static Layer of(NeuronModel neuron, int bits, int timeSteps, int length) {
      Draw draw = new Draw("neuron '" + neuron.id() + "', " + bits + " bits, " + timeSteps + " steps, " + length + " neurons");
      Dynamics dynamics = neuron.dynamics(bits, timeSteps);
      float[] input = new float[length];
      float[] potential = new float[length];
      for (int i = 0; i < length; i++) {
        float size = draw.chance(0.1) ? 1e6f : 2 * dynamics.highLevel();
        input[i] = draw.gaussian() * size;
        potential[i] = draw.gaussian() * dynamics.highLevel();
      }
      return new Layer(draw, dynamics, input, potential);
    }

    /** The spikes of one step, after which the potential is {@code after}. */
    short[] step(NeuronModel neuron, float[] after) {
      short[] spikes = new short[input.length];
      Arrays.fill(spikes, (short) 0x7777); // replaced, not added to
      System.arraycopy(potential, 0, after, 0, after.length);
      neuron.step(input.clone(), after, dynamics, spikes);
      return spikes;
    }
  }

  private static List<Layer> layers(NeuronModel neuron) {
    List<Layer> layers = new ArrayList<>();
    int turn = 0;
    for (int bits : BITS) {
      for (int timeSteps : TIME_STEPS) {
        layers.add(Layer.of(neuron, bits, timeSteps, Draw.RAGGED[turn++ % Draw.RAGGED.length]));
      }
    }
    return layers;
  }

  static void dynamics(NeuronModel neuron) {
    for (int bits = 1; bits <= 8; bits++) {
      for (int timeSteps : TIME_STEPS) {
        Dynamics dynamics = neuron.dynamics(bits, timeSteps);
        String what = "dynamics(" + bits + ", " + timeSteps + ") = " + dynamics;
        assertEquals(dynamics, neuron.dynamics(bits, timeSteps), () -> what + ", asked twice");
        assertTrue(dynamics.lowLevel() >= Short.MIN_VALUE && dynamics.highLevel() <= Short.MAX_VALUE,
            () -> what + ": a level does not fit in a short");
        assertTrue(dynamics.timeSteps() >= timeSteps, () -> what + ": fewer time steps than asked for");
      }
    }
  }

  static void levels(NeuronModel neuron) {
    for (Layer layer : layers(neuron)) {
      float[] potential = layer.potential.clone();
      short[] spikes = new short[potential.length];
      for (int step = 0; step < layer.dynamics.timeSteps(); step++) {
        neuron.step(layer.input.clone(), potential, layer.dynamics, spikes);
        for (int i = 0; i < spikes.length; i++) {
          int at = i;
          assertTrue(spikes[i] >= layer.dynamics.lowLevel() && spikes[i] <= layer.dynamics.highLevel(),
              () -> layer.draw + ": neuron " + at + " fired " + spikes[at] + " of " + layer.dynamics);
        }
      }
    }
  }

  /** The same step once more, after others; and each neuron alone, in a layer of one. */
  static void state(NeuronModel neuron) {
    List<Layer> layers = layers(neuron);
    for (Layer layer : layers) {
      float[] once = new float[layer.potential.length];
      float[] again = new float[layer.potential.length];
      short[] spikes = layer.step(neuron, once);
      Layer other = layers.get(layers.size() / 2);
      other.step(neuron, new float[other.potential.length]);
      assertArrayEquals(spikes, layer.step(neuron, again), () -> layer.draw + ": spikes of the same step, done again");
      assertArrayEquals(once, again, () -> layer.draw + ": potentials after the same step, done again");
      for (int i = 0; i < spikes.length; i++) {
        Layer alone = new Layer(layer.draw, layer.dynamics, new float[] {layer.input[i]}, new float[] {layer.potential[i]});
        float[] after = new float[1];
        int at = i;
        assertEquals(spikes[i], alone.step(neuron, after)[0], () -> layer.draw + ": spike of neuron " + at + " alone");
        assertEquals(once[i], after[0], () -> layer.draw + ": potential of neuron " + at + " alone");
      }
    }
  }

  static void input(NeuronModel neuron) {
    for (Layer layer : layers(neuron)) {
      float[] input = layer.input.clone();
      neuron.step(input, layer.potential.clone(), layer.dynamics, new short[input.length]);
      assertArrayEquals(layer.input, input, () -> layer.draw + ": the input after a step");
    }
  }

  static void collapsed(NeuronModel neuron) {
    for (int bits : BITS) {
      for (int timeSteps : TIME_STEPS) {
        Dynamics dynamics = neuron.dynamics(bits, timeSteps);
        Draw draw = new Draw("collapsed '" + neuron.id() + "', " + bits + " bits, " + timeSteps + " steps");
        float[] input = new float[200];
        int reach = dynamics.countHigh() + 5;
        for (int i = 0; i < input.length; i++) {
          input[i] = draw.chance(0.1) ? draw.between(-100_000, 100_000) : draw.between(-reach, reach);
        }
        int[] counts = counts(neuron, dynamics, input);
        for (int i = 0; i < input.length; i++) {
          int at = i;
          assertEquals(Math.clamp((long) input[i], dynamics.countLow(), dynamics.countHigh()), counts[i],
              () -> draw + ": count for the input " + input[at]);
        }
      }
    }
  }

  private static int[] counts(NeuronModel neuron, Dynamics dynamics, float[] input) {
    int[] counts = new int[input.length];
    float[] potential = new float[input.length];
    short[] spikes = new short[input.length];
    for (int step = 0; step < dynamics.timeSteps(); step++) {
      neuron.step(step == 0 ? input.clone() : new float[input.length], potential, dynamics, spikes);
      for (int i = 0; i < counts.length; i++) {
        counts[i] += spikes[i];
      }
    }
    return counts;
  }

  static void rest(NeuronModel neuron) {
    for (int bits : BITS) {
      for (int timeSteps : TIME_STEPS) {
        Dynamics dynamics = neuron.dynamics(bits, timeSteps);
        for (int length : Draw.RAGGED) {
          String what = "neuron '" + neuron.id() + "', " + dynamics + ", " + length + " neurons at rest";
          assertArrayEquals(new int[length], counts(neuron, dynamics, new float[length]), () -> what + ": counts");
        }
      }
    }
  }

  static void shared(NeuronModel neuron) throws InterruptedException {
    List<Layer> layers = layers(neuron);
    List<short[]> expected = new ArrayList<>();
    layers.forEach(layer -> expected.add(layer.step(neuron, new float[layer.potential.length])));
    TwoThreads.run("neuron '" + neuron.id() + "'", () -> {
      for (int turn = 0; turn < 200; turn++) {
        for (int i = 0; i < expected.size(); i++) {
          Layer layer = layers.get(i);
          assertArrayEquals(expected.get(i), layer.step(neuron, new float[layer.potential.length]), layer.draw::toString);
        }
      }
      return null;
    });
  }
}
