package org.spikellm.quantizers;

import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.quantizers.omniquant.OmniQuant;
import org.spikellm.tck.QuantizationPipelineContract;

/** OmniQuant keeps the contract of pipelines. */
class OmniQuantTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return new OmniQuant();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }
}
