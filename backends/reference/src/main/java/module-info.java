/** The reference backend: plain Java, the example to copy. */
module org.spikellm.backend.reference {
  requires org.spikellm.api;

  provides org.spikellm.api.ComputeBackend with
      org.spikellm.backend.reference.ReferenceBackend;
}
