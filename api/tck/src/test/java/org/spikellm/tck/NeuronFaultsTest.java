package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** The rules for neurons bite: each broken neuron fails the rules that it breaks, and no others. */
class NeuronFaultsTest {

  private static NeuronModel subject;

  static final class Subject extends NeuronModelContract {
    @Override
    protected NeuronModel neuron() {
      return subject;
    }
  }

  private static Verdict verdict(NeuronModel neuron) {
    subject = neuron;
    return Verdict.of(Subject.class);
  }

  /** A correct neuron, of which the faults override a part. */
  public static class Naive implements NeuronModel {
    @Override
    public String id() {
      return "naive";
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return true;
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      SoftResetNeuron.WHOLE.step(input, potential, dynamics, spikes);
    }
  }

  public static final class Leaky extends Naive {
    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 0.5f, 0, (1 << bits) - 1, timeSteps);
    }
  }

  public static final class HonestlyLeaky extends Naive {
    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 0.5f, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return false;
    }
  }

  public static final class FewerSteps extends Naive {
    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, Math.max(1, timeSteps - 1));
    }
  }

  /** Fires what it likes when the charge is far above; integers near the range are as they should be. */
  public static final class Bursts extends Naive {
    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      float[] charged = new float[input.length];
      for (int i = 0; i < input.length; i++) {
        charged[i] = input[i] + potential[i];
      }
      super.step(input, potential, dynamics, spikes);
      for (int i = 0; i < input.length; i++) {
        if (charged[i] > 200_000) {
          spikes[i]++;
        }
      }
    }
  }

  /** Adapts: what it fires depends on how often it was asked. */
  public static final class Adapts extends Naive {
    private final ThreadLocal<Integer> calls = ThreadLocal.withInitial(() -> 0);

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      calls.set(calls.get() + 1);
      super.step(input, potential, dynamics, spikes);
      for (int i = 0; i < input.length; i++) {
        if (potential[i] != Math.rint(potential[i])) {
          potential[i] += calls.get() * 1e-3f;
        }
      }
    }
  }

  /** Looks at its neighbour. */
  public static final class Inhibits extends Naive {
    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      super.step(input, potential, dynamics, spikes);
      for (int i = 1; i < input.length; i++) {
        if (potential[i] != Math.rint(potential[i])) {
          potential[i] -= 1e-3f * potential[i - 1];
        }
      }
    }
  }

  public static final class Adds extends Naive {
    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      super.step(input, potential, dynamics, spikes);
      Arrays.fill(input, 0);
    }
  }

  /** Fires by itself, which integers from 1 on do not show. */
  public static final class Restless extends Naive {
    @Override
    public boolean collapsible() {
      return false;
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      super.step(input, potential, dynamics, spikes);
      for (int i = 0; i < input.length; i++) {
        if (input[i] == 0 && potential[i] == 0 && spikes[i] == 0) {
          spikes[i] = 1;
        }
      }
    }
  }

  /** Knows only the thread that asked it first. */
  public static final class Owned extends Naive {
    private Thread owner;

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      owner = owner == null ? Thread.currentThread() : owner;
      super.step(input, potential, dynamics, spikes);
      if (owner != Thread.currentThread()) {
        Arrays.fill(spikes, (short) -1);
      }
    }
  }

  @Test
  @DisplayName("correct neurons pass every rule; one that is not collapsible is not asked to collapse")
  void correct() {
    Verdict naive = verdict(new Naive());
    assertEquals(Map.of(), naive.failed());
    assertEquals(Map.of(), naive.aborted());
    assertEquals(12, naive.passed().size(), "rules of the contract");
    Verdict leaky = verdict(new HonestlyLeaky());
    assertEquals(Map.of(), leaky.failed());
    assertEquals(Set.of("N.5"), leaky.aborted().keySet());
  }

  @TestFactory
  Stream<DynamicTest> faults() {
    return Stream.of(broken(new FewerSteps(), "N.1"), broken(new Bursts(), "N.2"), broken(new Adapts(), "N.3"),
        broken(new Inhibits(), "N.3"), broken(new Adds(), "N.4"), broken(new Leaky(), "N.5"), broken(new Restless(), "N.6"),
        broken(new Owned(), "N.7"));
  }

  private static DynamicTest broken(NeuronModel neuron, String... rules) {
    return DynamicTest.dynamicTest(neuron.getClass().getSimpleName() + ": " + String.join(", ", rules), () -> {
      Verdict verdict = verdict(neuron);
      assertEquals(new TreeSet<>(Set.of(rules)), new TreeSet<>(verdict.failed().keySet()),
          () -> "rules that failed: " + verdict.failed());
    });
  }
}
