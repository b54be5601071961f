/** Contracts that every provider is held to. */
module org.spikellm.tck {
  requires transitive org.spikellm.api;
  requires transitive org.junit.jupiter.api;
  // Only to run a contract outside of a test.
  requires static org.junit.platform.launcher;

  exports org.spikellm.tck;
  opens org.spikellm.tck to org.junit.platform.commons;
}
