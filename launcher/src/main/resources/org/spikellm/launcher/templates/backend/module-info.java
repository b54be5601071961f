/** A compute backend of the two required kernels. */
module com.example.plain {
  requires org.spikellm.api;

  provides org.spikellm.api.ComputeBackend with com.example.plain.PlainBackend;
}
