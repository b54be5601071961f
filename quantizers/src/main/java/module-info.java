/** The quantization pipelines and salience detectors that SpikeLLM ships. */
module org.spikellm.quantizers {
  requires org.spikellm.api;
  requires org.spikellm.model;

  provides org.spikellm.api.QuantizationPipeline with
      org.spikellm.quantizers.gptq.Gptq,
      org.spikellm.quantizers.omniquant.OmniQuant,
      org.spikellm.quantizers.pbllm.PbLlm,
      org.spikellm.quantizers.rtn.RoundToNearest;
  provides org.spikellm.api.SalienceDetector with
      org.spikellm.quantizers.salience.GradientSalience,
      org.spikellm.quantizers.salience.HessianSalience,
      org.spikellm.quantizers.salience.MagnitudeSalience,
      org.spikellm.quantizers.salience.MadSalience;
}
