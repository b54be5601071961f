package org.spikellm.tck;

import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;

/** The contract of the detector that {@link Verification} runs. */
final class VerifiedDetector extends SalienceDetectorContract {

  @Override
  protected SalienceDetector detector() {
    return (SalienceDetector) Verification.SUBJECT.get().provider();
  }

  @Override
  protected Session session(int threads) {
    return Verification.SUBJECT.get().sessions().apply(threads);
  }
}
