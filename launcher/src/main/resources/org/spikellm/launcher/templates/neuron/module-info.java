/** A neuron whose threshold adapts to what it fires. */
module com.example.adaptive {
  requires org.spikellm.api;

  provides org.spikellm.api.NeuronModel with com.example.adaptive.AdaptiveThreshold;
}
