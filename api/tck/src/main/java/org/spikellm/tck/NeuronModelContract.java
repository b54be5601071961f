package org.spikellm.tck;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.spikellm.api.NeuronModel;

/** What every neuron is held to; the rules are explained in SPEC.md. A neuron's test is a subclass with {@link #neuron}. */
public abstract class NeuronModelContract {

  /** The neuron under test, with its default options. */
  protected abstract NeuronModel neuron();

  @Test
  @DisplayName("P.1 provider: the id is lower-case letters, digits and hyphens")
  final void id() {
    ProviderRules.id(neuron());
  }

  @Test
  @DisplayName("P.2 provider: options have defaults and cannot be changed from outside")
  final void options() {
    ProviderRules.options(neuron());
  }

  @Test
  @DisplayName("P.3 provider: configure gives a provider of the same kind and id")
  final void configure() {
    ProviderRules.configure(NeuronModel.class, neuron());
  }

  @Test
  @DisplayName("P.4 provider: a value that cannot be used is refused by key and value")
  final void refusal() {
    ProviderRules.refusal(neuron());
  }

  @Test
  @DisplayName("P.5 provider: it is a public class with a public constructor without parameters")
  final void constructor() {
    ProviderRules.constructor(neuron());
  }

  @Test
  @DisplayName("N.1 dynamics: equal questions have equal answers, and levels fit in a short")
  final void dynamics() {
    NeuronRules.dynamics(neuron());
  }

  @Test
  @DisplayName("N.2 step: it fires levels within lowLevel..highLevel")
  final void levels() {
    NeuronRules.levels(neuron());
  }

  @Test
  @DisplayName("N.3 step: the potential is all the state, and neurons of a layer are independent")
  final void state() {
    NeuronRules.state(neuron());
  }

  @Test
  @DisplayName("N.4 step: the input is not changed")
  final void input() {
    NeuronRules.input(neuron());
  }

  @Test
  @DisplayName("N.5 collapsible: counts are clip(input, countLow, countHigh) for integers")
  final void collapsed() {
    Assumptions.assumeTrue(neuron().collapsible(), () -> "neuron '" + neuron().id() + "' says it is not collapsible");
    NeuronRules.collapsed(neuron());
  }

  @Test
  @DisplayName("N.6 rest: without input and potential nothing fires")
  final void rest() {
    NeuronRules.rest(neuron());
  }

  @Test
  @DisplayName("N.7 threads: one neuron serves several")
  final void shared() throws InterruptedException {
    NeuronRules.shared(neuron());
  }
}
