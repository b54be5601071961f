/** Quantization pipelines and salience detectors. */
module org.spikellm.quantizers {
  requires org.spikellm.api;
}
