package org.spikellm.quantizers.gptq;

import org.spikellm.api.QuantizationPipeline;
import org.spikellm.api.Session;
import org.spikellm.backend.reference.ReferenceBackend;
import org.spikellm.tck.QuantizationPipelineContract;

/** GPTQ with uniform weights keeps the contract of pipelines. */
class GptqTest extends QuantizationPipelineContract {

  @Override
  protected QuantizationPipeline pipeline() {
    return new Gptq();
  }

  @Override
  protected Session session(int threads) {
    return new ReferenceBackend().open(threads);
  }
}
