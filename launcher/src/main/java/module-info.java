/** The command line, and what finds providers and puts them together. */
module org.spikellm.launcher {
  requires org.spikellm.model;
  requires info.picocli;
  requires me.tongfei.progressbar;

  uses org.spikellm.api.ComputeBackend;
  uses org.spikellm.api.NeuronModel;
  uses org.spikellm.api.SalienceDetector;
  uses org.spikellm.api.QuantizationPipeline;

  opens org.spikellm.launcher.cli to info.picocli;
}
