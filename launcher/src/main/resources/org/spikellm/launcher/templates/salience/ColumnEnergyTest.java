package com.example.energy;

import org.spikellm.api.SalienceDetector;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.tck.SalienceDetectorContract;

class ColumnEnergyTest extends SalienceDetectorContract {

  @Override
  protected SalienceDetector detector() {
    return new ColumnEnergy();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }
}
