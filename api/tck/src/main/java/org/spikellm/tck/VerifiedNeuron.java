package org.spikellm.tck;

import org.spikellm.api.NeuronModel;

/** The contract of the neuron that {@link Verification} runs. */
final class VerifiedNeuron extends NeuronModelContract {

  @Override
  protected NeuronModel neuron() {
    return (NeuronModel) Verification.SUBJECT.get().provider();
  }
}
