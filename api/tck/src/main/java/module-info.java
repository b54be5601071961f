/** Contracts that every provider is held to. */
module org.spikellm.tck {
  requires transitive org.spikellm.api;
  requires transitive org.junit.jupiter.api;

  exports org.spikellm.tck;
  opens org.spikellm.tck to org.junit.platform.commons;
}
