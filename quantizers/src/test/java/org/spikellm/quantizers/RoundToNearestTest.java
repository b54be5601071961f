package org.spikellm.quantizers;

import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.quantizers.rtn.RoundToNearest;
import org.spikellm.tck.QuantizationPipelineContract;

/** Round to nearest keeps the contract of pipelines. */
class RoundToNearestTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return new RoundToNearest();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }
}
