/** The CPU backend on the Vector API. */
module org.spikellm.backend.simd {
  requires org.spikellm.api;
  requires jdk.incubator.vector;

  provides org.spikellm.api.ComputeBackend with
      org.spikellm.backend.simd.SimdBackend;
}
