/** The command line, and what finds providers and puts them together. */
module org.spikellm.launcher {
  requires org.spikellm.model;
  requires info.picocli;
  requires me.tongfei.progressbar;
  requires org.apache.felix.framework;

  // Tokenizers and chat templates. Automatic modules do not pull in the explicit modules they use, hence the second group.
  requires ai.djl.api;
  requires ai.djl.tokenizers;
  requires jinjava;
  requires com.fasterxml.jackson.databind;
  requires com.fasterxml.jackson.dataformat.yaml;
  requires com.fasterxml.jackson.datatype.jdk8;
  requires com.google.gson;
  requires java.desktop;
  requires org.apache.commons.lang3;
  requires org.slf4j;

  uses org.spikellm.api.ComputeBackend;
  uses org.spikellm.api.NeuronModel;
  uses org.spikellm.api.SalienceDetector;
  uses org.spikellm.api.QuantizationPipeline;
  uses org.osgi.framework.launch.FrameworkFactory;

  opens org.spikellm.launcher.cli to info.picocli;
}
