package org.spikellm.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.spikellm.api.Dynamics;
import org.spikellm.api.NeuronModel;

/** Contracts that run outside of a test say the same as in one. */
class VerificationTest {

  /** A neuron that fires above its levels. */
  public static final class Wild implements NeuronModel {
    @Override
    public String id() {
      return "wild";
    }

    @Override
    public void step(float[] input, float[] potential, Dynamics dynamics, short[] spikes) {
      for (int i = 0; i < spikes.length; i++) {
        spikes[i] = (short) (input[i] == 0 ? 0 : dynamics.highLevel() + 1);
      }
    }

    @Override
    public Dynamics dynamics(int bits, int timeSteps) {
      return new Dynamics(1, 1, 0, (1 << bits) - 1, timeSteps);
    }

    @Override
    public boolean collapsible() {
      return false;
    }
  }

  @Test
  void theBrokenRuleFailsAndTheOthersPassInOrder() {
    List<List<String>> rules = Verification.run(new Wild(), threads -> null);
    assertEquals(12, rules.size(), rules.toString());
    assertEquals(List.of("N.2"), rules.stream().filter(rule -> rule.get(1).equals("failed"))
        .map(rule -> rule.getFirst().split(" ")[0]).toList());
    assertEquals(List.of("N.5"), rules.stream().filter(rule -> rule.get(1).equals("skipped"))
        .map(rule -> rule.getFirst().split(" ")[0]).toList());
    assertTrue(rules.get(1).get(2).contains("fired"), rules.get(1).toString());
    assertEquals(IntStream.rangeClosed(1, 7).mapToObj(n -> "N." + n).toList(),
        rules.stream().limit(7).map(rule -> rule.getFirst().split(" ")[0]).toList());
  }

  @Test
  void aBackendKeepsItsContract() {
    List<List<String>> rules = Verification.run(new NaiveBackend(), threads -> null);
    assertEquals(List.of(), rules.stream().filter(rule -> !rule.get(1).equals("passed")).toList());
    assertTrue(rules.size() > 30, rules.size() + " rules");
  }
}
