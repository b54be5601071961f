package org.spikellm.tck;

import org.spikellm.api.ComputeBackend;

/** The contract of the backend that {@link Verification} runs. */
final class VerifiedBackend extends ComputeBackendContract {

  @Override
  protected ComputeBackend backend() {
    return (ComputeBackend) Verification.SUBJECT.get().provider();
  }
}
