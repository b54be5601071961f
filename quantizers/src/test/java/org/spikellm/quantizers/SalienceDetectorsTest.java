package org.spikellm.quantizers;

import org.junit.jupiter.api.Nested;
import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.quantizers.salience.GradientSalience;
import org.spikellm.quantizers.salience.HessianSalience;
import org.spikellm.quantizers.salience.MadSalience;
import org.spikellm.quantizers.salience.MagnitudeSalience;
import org.spikellm.tck.SalienceDetectorContract;

/** The four detectors keep the contract. */
class SalienceDetectorsTest {

  abstract static class OnReference extends SalienceDetectorContract {
    @Override
    protected Session session(int threads) {
      return new ReferenceBackend().open(threads);
    }
  }

  @Nested
  class Gradient extends OnReference {
    @Override
    protected SalienceDetector detector() {
      return new GradientSalience();
    }
  }

  @Nested
  class Hessian extends OnReference {
    @Override
    protected SalienceDetector detector() {
      return new HessianSalience();
    }
  }

  @Nested
  class Magnitude extends OnReference {
    @Override
    protected SalienceDetector detector() {
      return new MagnitudeSalience();
    }
  }

  @Nested
  class Mad extends OnReference {
    @Override
    protected SalienceDetector detector() {
      return new MadSalience();
    }
  }
}
