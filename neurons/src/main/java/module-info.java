/** The neurons that SpikeLLM ships. */
module org.spikellm.neurons {
  requires org.spikellm.api;

  provides org.spikellm.api.NeuronModel with
      org.spikellm.neurons.IntegrateFire,
      org.spikellm.neurons.LeakyIntegrateFire,
      org.spikellm.neurons.GeneralizedIntegrateFire,
      org.spikellm.neurons.TernaryIntegrateFire;
}
