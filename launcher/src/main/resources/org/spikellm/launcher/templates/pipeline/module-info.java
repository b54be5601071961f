/** A quantization pipeline that looks for the best clipping of each weight. */
module com.example.clipsearch {
  requires org.spikellm.api;
  requires org.spikellm.model;

  provides org.spikellm.api.QuantizationPipeline with com.example.clipsearch.ClipSearch;
}
