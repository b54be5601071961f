/** Contracts that every provider is held to. */
module org.spikellm.tck {
  requires transitive org.spikellm.api;
  requires transitive org.junit.jupiter.api;
}
