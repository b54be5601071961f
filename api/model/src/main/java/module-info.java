/** A decoder as data and functions: read, forward, backward, calibrate, write. */
module org.spikellm.model {
  requires transitive org.spikellm.api;
  requires tools.jackson.core;

  exports org.spikellm.model;
  exports org.spikellm.model.training;
}
