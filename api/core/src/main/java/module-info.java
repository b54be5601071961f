/** Records and the four service interfaces of SpikeLLM: neurons, salience detectors, quantization pipelines and backends. */
module org.spikellm.api {
  exports org.spikellm.api;
}
