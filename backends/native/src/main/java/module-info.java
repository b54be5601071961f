/** The CPU backend in C. */
module org.spikellm.backend.nativecode {
  requires org.spikellm.api;
  requires com.sun.jna;

  provides org.spikellm.api.ComputeBackend with
      org.spikellm.backend.nativecode.NativeBackend;
}
